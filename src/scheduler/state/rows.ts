/**
 * The rows that make up a run, as the in-memory model, the sql.js tables and the replica all hold
 * them. Column names in SQL are the snake_case of the property names; `columns` is the one list
 * from which both are made.
 */

declare const brand: unique symbol;
type Branded<T, Name> = T & { readonly [brand]: Name };

/** Names a job within a run: the queue's own id, e.g. `4711_3` on Slurm. */
export type JobId = Branded<string, "JobId">;
/** Numbers a learner within a run; never reused. */
export type LearnerId = Branded<number, "LearnerId">;

export const asJobId = (id: string): JobId => id as JobId;
export const asLearnerId = (id: number): LearnerId => id as LearnerId;

export const learnerStates = ["waiting", "running", "done", "failed", "stopped", "blocked", "removed"] as const;
export type LearnerState = (typeof learnerStates)[number];

export const jobStates = ["submitted", "queued", "running", "ended"] as const;
export type JobState = (typeof jobStates)[number];

/** How a job ended: by itself, well or badly (`exit`), or by what was done to it. `lost`: without a trace. */
export type Ending =
  "exit" | "walltime" | "memory" | "cancelled" | "cancelled by us" | "preempted" | "node failure" | "lost";

/** What a person asked of the run: `active` keeps jobs queued, `paused` submits nothing new, `stopped` has cancelled all jobs. */
export type Activity = "active" | "paused" | "stopped";

/** Why a run that was made, and no more, is paused. */
export const notStartedYet = "not started yet";
/** Why a run is paused that somebody paused. */
export const pausedByPerson = "paused by a person";

/** How a learner left a job, or why it is in its state, in words for a person. */
type Reason = string;

export interface LearnerRow {
  id: LearnerId;
  /** Index in the learners file's lists. */
  position: number;
  /** Data file relative to the run directory; a BalancingLearner has a JSON array of them. */
  fname: string;
  /** The parameters that describe the learner, as a JSON object. */
  combo: string;
  /** Class name in `adaptive`, with that of what it wraps: `Learner1D`, `DataSaver(Learner2D)`, `BalancingLearner(Learner1D)`. */
  type: string;
  /** Ends of the domain as JSON, `[[low, high], …]` with an entry for each dimension; null where that does not apply or is not known. */
  bounds: string | null;
  /** What its jobs ask for. */
  resourceClass: string;
  /** 0 when the learners file does not define it any more; its data is kept. */
  isListed: 0 | 1;
  state: LearnerState;
  reason: Reason | null;
  isDone: 0 | 1;
  jobId: JobId | null;
  /** 1 when a person wants it taken off its job, which saves it first. */
  isStopping: 0 | 1;
  /** The job it was given to last, also after that has ended. */
  lastJobId: JobId | null;
  /** Counts assignments; only the holder of the newest epoch may save. */
  epoch: number;
  /** Code revision of the newest assignment. */
  revision: string | null;
  /** Failures since the learner was last set to waiting by a person. */
  failures: number;
  /** First line of the newest error. */
  error: string | null;
  npoints: number;
  loss: number | null;
  /** Points when it was given to its newest job. */
  npointsBefore: number;
  /** Jobs in a row that were cut short without adding a point. */
  fruitlessJobs: number;
  /** What a person should know of its data, e.g. that an unreadable file was kept aside. */
  remark: string | null;
  /** What trying one of its points gave, as JSON: a `Trial`. */
  trial: string | null;
  /** Milliseconds since the epoch of the last change of state. */
  changedAt: number;
}

/** A learner's data file or, for a BalancingLearner, files. */
export function fnameOf({ fname, type }: Pick<LearnerRow, "fname" | "type">): string | string[] {
  return type.startsWith("BalancingLearner") ? (JSON.parse(fname) as string[]) : fname;
}

export interface JobRow {
  jobId: JobId;
  name: string;
  state: JobState;
  resourceClass: string;
  /** The submission (one `sbatch`) this job came with. */
  submission: number;
  learnerId: LearnerId | null;
  host: string | null;
  submittedAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** 1 once the job has asked for a learner. */
  hasAsked: 0 | 1;
  /** Milliseconds since the epoch at which cancelling was asked for. */
  cancelledAt: number | null;
  exitCode: number | null;
  ending: Ending | null;
  /** Why it waits, what is odd about it, or how it ended. */
  reason: Reason | null;
  /** Requeues of this job so far, as the queue counts them. */
  restart: number;
  /** Random name of the worker process that speaks for the job, the number of its newest request, and our answer (JSON). */
  instance: string | null;
  requestNumber: number;
  answer: string | null;
  /** How many worker processes this job has had while holding a learner. */
  instances: number;
}

/** Whether a job runs: one that has asked for a learner does, though the queue was not asked about it since. */
export function isRunning({ state, hasAsked }: Pick<JobRow, "state" | "hasAsked">): boolean {
  return state === "running" || (state !== "ended" && hasAsked === 1);
}

/** The resource class of learners that no other is for. */
export const defaultClass = "default";
/** The resource class of jobs that evaluate a point of some learners and end: nobody's capacity. */
export const tryClass = "try";

export interface SubmissionRow {
  submission: number;
  resourceClass: string;
  count: number;
  submittedAt: number;
  /** Learners of which a job of the class `try` evaluates a point, as a JSON array of ids. */
  tries: string | null;
  state: "submitting" | "submitted" | "refused";
  reason: Reason | null;
}

/** One row: the run itself. */
export interface RunRow {
  runId: string;
  name: string;
  cluster: string;
  learnersFile: string;
  /** Where the run lies, absolute, and the inode of our folder in it: a copy has another one. */
  directory: string;
  inode: number;
  createdAt: number;
  seq: number;
  incarnation: number;
  activity: Activity;
  /** Since when, in milliseconds since the epoch. */
  activityAt: number;
  /** 1 when stopping lets running evaluations finish first. */
  stopsGently: 0 | 1;
  reason: Reason | null;
  revision: string;
  /** Versions of Python and the packages with which the learners file was read, as JSON. */
  versions: string;
  /** The merged settings and where each came from, as JSON. */
  settings: string;
  origins: string;
  /** Jobs in a row that ended without asking for a learner. */
  deathsBeforeStart: number;
  /** Jobs in a row whose learners file did not have the learner that they were given. */
  mismatches: number;
  /** What a person should know of the run as a whole, e.g. that its jobs have other versions. */
  remark: string | null;
}

interface Rows {
  run: RunRow;
  learners: LearnerRow;
  jobs: JobRow;
  submissions: SubmissionRow;
}
export type TableName = keyof Rows;
export type Row<T extends TableName> = Rows[T];

type Columns = { readonly [T in TableName]: { readonly [C in keyof Rows[T]]: "INTEGER" | "REAL" | "TEXT" } };

export const columns: Columns = {
  run: {
    runId: "TEXT",
    name: "TEXT",
    cluster: "TEXT",
    learnersFile: "TEXT",
    directory: "TEXT",
    inode: "INTEGER",
    createdAt: "INTEGER",
    seq: "INTEGER",
    incarnation: "INTEGER",
    activity: "TEXT",
    activityAt: "INTEGER",
    stopsGently: "INTEGER",
    reason: "TEXT",
    revision: "TEXT",
    versions: "TEXT",
    settings: "TEXT",
    origins: "TEXT",
    deathsBeforeStart: "INTEGER",
    mismatches: "INTEGER",
    remark: "TEXT",
  },
  learners: {
    id: "INTEGER",
    position: "INTEGER",
    fname: "TEXT",
    combo: "TEXT",
    type: "TEXT",
    bounds: "TEXT",
    resourceClass: "TEXT",
    isListed: "INTEGER",
    state: "TEXT",
    reason: "TEXT",
    isDone: "INTEGER",
    jobId: "TEXT",
    isStopping: "INTEGER",
    lastJobId: "TEXT",
    epoch: "INTEGER",
    revision: "TEXT",
    failures: "INTEGER",
    error: "TEXT",
    npoints: "INTEGER",
    loss: "REAL",
    npointsBefore: "INTEGER",
    fruitlessJobs: "INTEGER",
    remark: "TEXT",
    trial: "TEXT",
    changedAt: "INTEGER",
  },
  jobs: {
    jobId: "TEXT",
    name: "TEXT",
    state: "TEXT",
    resourceClass: "TEXT",
    submission: "INTEGER",
    learnerId: "INTEGER",
    host: "TEXT",
    submittedAt: "INTEGER",
    startedAt: "INTEGER",
    endedAt: "INTEGER",
    hasAsked: "INTEGER",
    cancelledAt: "INTEGER",
    exitCode: "INTEGER",
    ending: "TEXT",
    reason: "TEXT",
    restart: "INTEGER",
    instance: "TEXT",
    requestNumber: "INTEGER",
    answer: "TEXT",
    instances: "INTEGER",
  },
  submissions: {
    submission: "INTEGER",
    resourceClass: "TEXT",
    count: "INTEGER",
    submittedAt: "INTEGER",
    tries: "TEXT",
    state: "TEXT",
    reason: "TEXT",
  },
};

/** The column whose value names a row; the run is one row and has none. */
export const primaryKey = { learners: "id", jobs: "jobId", submissions: "submission" } as const;

/**
 * What a change does to one row: inserted when the key is new (then `set` holds every column),
 * else updated in place.
 */
export type RowPatch =
  | { table: "run"; set: Partial<RunRow> }
  | { table: "learners"; key: LearnerId; set: Partial<LearnerRow> }
  | { table: "jobs"; key: JobId; set: Partial<JobRow> }
  | { table: "submissions"; key: number; set: Partial<SubmissionRow> };
