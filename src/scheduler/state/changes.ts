import type { Activity, Ending, JobId, JobState, LearnerId, LearnerRow, LearnerState, RowPatch } from "./rows";

/**
 * Everything that can happen to a run. A change carries absolute values, never increments, so that
 * its effects follow from itself alone and replaying it twice does no harm.
 */
export type NewChange =
  | {
      kind: "runCreated";
      runId: string;
      name: string;
      cluster: string;
      learnersFile: string;
      directory: string;
      inode: number;
    }
  /** The run lies elsewhere now: moved, a backup that was put back, or (with another runId) a copy that became a run of its own. */
  | { kind: "runPlaced"; runId: string; name: string; directory: string; inode: number }
  | { kind: "runConfigured"; settings: string; origins: string }
  | { kind: "codeRevised"; revision: string; versions: string }
  | { kind: "learnersAdded"; learners: readonly NewLearner[] }
  /** The same learners as the file describes them now. */
  | { kind: "learnersRevised"; learners: readonly DescribedLearner[] }
  /** The same learners and data under other file names. */
  | { kind: "learnersRenamed"; learners: readonly Pick<LearnerRow, "id" | "fname">[] }
  /** What their jobs ask for from now on; who is in a job keeps that. */
  | { kind: "learnersClassed"; learners: readonly LearnerId[]; resourceClass: string }
  /** The file does not define them any more. */
  | { kind: "learnersUnlisted"; learners: readonly LearnerId[] }
  | {
      kind: "schedulerStarted";
      incarnation: number;
      host: string;
      pid: number;
      version: string;
      /** Bytes of each older journal that count: what a former scheduler wrote later is void. */
      journals: Record<string, number>;
    }
  | { kind: "activityChanged"; activity: Activity; stopsGently: 0 | 1; reason: string | null }
  | { kind: "jobsSubmitting"; submission: number; resourceClass: string; count: number; tries: string | null }
  | { kind: "jobsSubmitted"; submission: number; resourceClass: string; jobs: readonly { id: JobId; name: string }[] }
  | { kind: "submissionRefused"; submission: number; reason: string }
  | {
      kind: "jobObserved";
      job: JobId;
      state: Exclude<JobState, "ended">;
      host: string | null;
      startedAt: number | null;
      reason: string | null;
    }
  /** The queue has taken it back to start it anew, under the same id. */
  | { kind: "jobRequeued"; job: JobId; restart: number; reason: string }
  | { kind: "jobCancelled"; job: JobId }
  | {
      kind: "jobEnded";
      job: JobId;
      exitCode: number | null;
      ending: Ending;
      reason: string;
      deathsBeforeStart: number;
    }
  | {
      kind: "learnerAssigned";
      learner: LearnerId;
      epoch: number;
      revision: string;
      job: JobId;
      restart: number;
      instance: string;
      instances: number;
      requestNumber: number;
      host: string;
      npointsBefore: number;
    }
  | {
      kind: "jobDismissed";
      job: JobId;
      restart: number;
      instance: string;
      requestNumber: number;
      host: string;
      why: string;
    }
  | {
      kind: "learnerDone";
      learner: LearnerId;
      job: JobId;
      /** Null when the job has said other things since, or has ended. */
      requestNumber: number | null;
      npoints: number;
      loss: number | null;
    }
  | {
      kind: "learnerReleased";
      learner: LearnerId;
      job: JobId;
      /** Null when it is not the job's newest word. */
      requestNumber: number | null;
      how: Release;
      state: "waiting" | "failed" | "stopped" | "removed";
      reason: string;
      failures: number;
      fruitlessJobs: number;
      error: string | null;
      npoints: number;
      loss: number | null;
    }
  /** Points that its job had not saved are not there any more; what is left, and how many were lost. */
  | { kind: "pointsLost"; learner: LearnerId; npoints: number; npointsBefore: number; lost: number }
  /** A job gave back a learner that its learners file does not have. */
  | { kind: "studyMismatched"; job: JobId; mismatches: number }
  | { kind: "runRemarked"; remark: string | null }
  | { kind: "learnerRemarked"; learner: LearnerId; remark: string | null }
  /** Trials as JSON. */
  | { kind: "pointsTried"; learners: readonly LearnerId[]; trials: readonly string[] }
  | { kind: "learnersStopping"; learners: readonly LearnerId[] }
  | { kind: "learnersMoved"; learners: readonly LearnerId[]; state: "waiting" | "stopped" | "removed"; reason: string }
  | {
      kind: "progressNoted";
      learners: readonly LearnerId[];
      npoints: readonly number[];
      loss: readonly (number | null)[];
    };

/** A learner as the learners file describes it, but for its file name, which is its identity. */
export type DescribedLearner = Pick<LearnerRow, "id" | "position" | "combo" | "type" | "bounds" | "resourceClass">;
export type NewLearner = DescribedLearner & Pick<LearnerRow, "fname">;

/** A change as it stands in the journal: numbered without gaps within a run, with the scheduler's time in ms since the epoch. */
export type Change = NewChange & { seq: number; time: number };

/**
 * How a learner leaves its job without being done: `failed` counts towards its failures; `cut short`
 * (walltime, preemption, a lost machine) does not, unless it happens again and again without a new
 * point; `given back` is what a person wished.
 */
export type Release = "failed" | "cut short" | "given back";

type Kind = NewChange["kind"];
type Of<K extends Kind> = Extract<Change, { kind: K }>;

/**
 * What a change does, as patches to rows: the only place that says so. The scheduler's model, its
 * database, recovery from the journal and the replica in the editor are all fed from here.
 */
export function effects(change: Change): RowPatch[] {
  const patches = (effectsOf[change.kind] as (change: Change) => RowPatch[])(change);
  return [...patches, { table: "run", set: { seq: change.seq } }];
}

/** Whether a value read from a file or a stream is a change this version knows. */
export function isChange(value: unknown): value is Change {
  return (
    typeof value === "object" &&
    value !== null &&
    "seq" in value &&
    Number.isSafeInteger(value.seq) &&
    "kind" in value &&
    typeof value.kind === "string" &&
    Object.hasOwn(effectsOf, value.kind)
  );
}

const effectsOf: { [K in Kind]: (change: Of<K>) => RowPatch[] } = {
  runCreated: ({ runId, name, cluster, learnersFile, directory, inode, time, seq }) => [
    {
      table: "run",
      set: {
        runId,
        name,
        cluster,
        learnersFile,
        directory,
        inode,
        createdAt: time,
        seq,
        incarnation: 0,
        activity: "active",
        activityAt: time,
        stopsGently: 0,
        reason: null,
        revision: "",
        versions: "{}",
        settings: "{}",
        origins: "{}",
        deathsBeforeStart: 0,
        mismatches: 0,
        remark: null,
      },
    },
  ],
  runPlaced: ({ runId, name, directory, inode }) => [{ table: "run", set: { runId, name, directory, inode } }],
  runConfigured: ({ settings, origins }) => [{ table: "run", set: { settings, origins } }],
  codeRevised: ({ revision, versions }) => [{ table: "run", set: { revision, versions, mismatches: 0, remark: null } }],
  learnersAdded: ({ learners, time }) =>
    learners.map((learner) => ({
      table: "learners",
      key: learner.id,
      set: {
        ...learner,
        isListed: 1,
        state: "waiting",
        reason: null,
        isDone: 0,
        jobId: null,
        isStopping: 0,
        lastJobId: null,
        epoch: 0,
        revision: null,
        failures: 0,
        error: null,
        npoints: 0,
        loss: null,
        npointsBefore: 0,
        fruitlessJobs: 0,
        remark: null,
        trial: null,
        changedAt: time,
      },
    })),
  learnersRevised: ({ learners }) =>
    learners.map(({ id, ...set }) => ({ table: "learners", key: id, set: { ...set, isListed: 1 } })),
  learnersRenamed: ({ learners }) => learners.map(({ id, fname }) => ({ table: "learners", key: id, set: { fname } })),
  learnersClassed: ({ learners, resourceClass }) =>
    learners.map((key) => ({ table: "learners", key, set: { resourceClass } })),
  learnersUnlisted: ({ learners }) => learners.map((key) => ({ table: "learners", key, set: { isListed: 0 } })),
  schedulerStarted: ({ incarnation }) => [{ table: "run", set: { incarnation } }],
  activityChanged: ({ activity, stopsGently, reason, time }) => [
    {
      table: "run",
      set: {
        activity,
        activityAt: time,
        stopsGently,
        reason,
        ...(activity === "active" ? { deathsBeforeStart: 0, mismatches: 0 } : {}),
      },
    },
  ],
  jobsSubmitting: ({ submission, resourceClass, count, tries, time }) => [
    {
      table: "submissions",
      key: submission,
      set: { submission, resourceClass, count, submittedAt: time, tries, state: "submitting", reason: null },
    },
  ],
  jobsSubmitted: ({ submission, resourceClass, jobs, time }) => [
    { table: "submissions", key: submission, set: { state: "submitted" } },
    ...jobs.map((job): RowPatch => ({
      table: "jobs",
      key: job.id,
      set: {
        jobId: job.id,
        name: job.name,
        state: "submitted",
        resourceClass,
        submission,
        learnerId: null,
        host: null,
        submittedAt: time,
        startedAt: null,
        endedAt: null,
        hasAsked: 0,
        cancelledAt: null,
        exitCode: null,
        ending: null,
        reason: null,
        restart: 0,
        instance: null,
        requestNumber: 0,
        answer: null,
        instances: 0,
      },
    })),
  ],
  submissionRefused: ({ submission, reason }) => [
    { table: "submissions", key: submission, set: { state: "refused", reason } },
  ],
  jobObserved: ({ job, state, host, startedAt, reason }) => [
    { table: "jobs", key: job, set: { state, host, startedAt, reason } },
  ],
  jobRequeued: ({ job, restart, reason }) => [
    {
      table: "jobs",
      key: job,
      set: {
        ...freed,
        state: "queued",
        host: null,
        startedAt: null,
        hasAsked: 0,
        restart,
        reason,
        instance: null,
        requestNumber: 0,
        answer: null,
      },
    },
  ],
  jobCancelled: ({ job, time }) => [{ table: "jobs", key: job, set: { cancelledAt: time } }],
  jobEnded: ({ job, exitCode, ending, reason, deathsBeforeStart, time }) => [
    { table: "jobs", key: job, set: { state: "ended", endedAt: time, exitCode, ending, reason, learnerId: null } },
    { table: "run", set: { deathsBeforeStart } },
  ],
  learnerAssigned: ({ learner, epoch, revision, job, npointsBefore, time, ...request }) => [
    {
      table: "learners",
      key: learner,
      set: {
        state: "running",
        reason: null,
        jobId: job,
        lastJobId: job,
        epoch,
        revision,
        npointsBefore,
        changedAt: time,
      },
    },
    {
      table: "jobs",
      key: job,
      set: {
        learnerId: learner,
        host: request.host,
        hasAsked: 1,
        restart: request.restart,
        instance: request.instance,
        instances: request.instances,
        requestNumber: request.requestNumber,
        answer: JSON.stringify({ type: "assign", learner, epoch } satisfies Answer),
      },
    },
    { table: "run", set: { deathsBeforeStart: 0 } },
  ],
  jobDismissed: ({ job, why, restart, instance, requestNumber, host }) => [
    {
      table: "jobs",
      key: job,
      set: {
        ...freed,
        host,
        hasAsked: 1,
        restart,
        instance,
        requestNumber,
        answer: JSON.stringify({ type: "nothing", why } satisfies Answer),
      },
    },
  ],
  learnerDone: ({ learner, job, requestNumber, npoints, loss, time }) => [
    {
      table: "learners",
      key: learner,
      set: {
        state: "done",
        reason: null,
        isDone: 1,
        jobId: null,
        isStopping: 0,
        error: null,
        npoints,
        loss,
        changedAt: time,
      },
    },
    ...freeing(job, requestNumber),
    { table: "run", set: { mismatches: 0 } },
  ],
  learnerReleased: ({ kind: _, how: __, learner, job, requestNumber, time, seq: ___, ...set }) => [
    { table: "learners", key: learner, set: { ...set, jobId: null, isStopping: 0, changedAt: time } },
    ...freeing(job, requestNumber),
    { table: "run", set: { mismatches: 0 } },
  ],
  pointsLost: ({ learner, npoints, npointsBefore }) => [
    { table: "learners", key: learner, set: { npoints, npointsBefore, loss: null } },
  ],
  studyMismatched: ({ mismatches }) => [{ table: "run", set: { mismatches } }],
  runRemarked: ({ remark }) => [{ table: "run", set: { remark } }],
  learnerRemarked: ({ learner, remark }) => [{ table: "learners", key: learner, set: { remark } }],
  pointsTried: ({ learners, trials }) =>
    learners.map((key, i) => ({ table: "learners", key, set: { trial: trials[i] ?? null } })),
  learnersStopping: ({ learners }) => learners.map((key) => ({ table: "learners", key, set: { isStopping: 1 } })),
  learnersMoved: ({ learners, state, reason, time }) =>
    learners.map((key) => ({
      table: "learners",
      key,
      set: {
        state,
        reason,
        isDone: 0,
        jobId: null,
        changedAt: time,
        ...(state === "waiting" ? { failures: 0, fruitlessJobs: 0 } : {}),
      },
    })),
  progressNoted: ({ learners, npoints, loss }) =>
    learners.map((key, i) => ({
      table: "learners",
      key,
      set: { npoints: npoints[i] ?? 0, loss: loss[i] ?? null },
    })),
};

/** What a job was answered last, kept so that a repeated request gets the same answer. */
export type Answer =
  { type: "assign"; learner: LearnerId; epoch: number } | { type: "nothing"; why: string } | { type: "ok" };

/** As answers are kept in a job's row. Rounds over thousands of jobs look at them, which is no time to parse. */
export const okayAnswer = JSON.stringify({ type: "ok" } satisfies Answer);
const nothingAnswer = '{"type":"nothing",';
export function isNothing(answer: string | null): boolean {
  return answer?.startsWith(nothingAnswer) === true;
}

const freed = { learnerId: null, instances: 0 } as const;

function freeing(job: JobId, requestNumber: number | null): RowPatch[] {
  if (requestNumber === null) return [];
  return [{ table: "jobs", key: job, set: { ...freed, requestNumber, answer: okayAnswer } }];
}

/** States in which nothing more happens to a learner unless a person says so. */
export function hasEnded(state: LearnerState): boolean {
  return state !== "waiting" && state !== "running" && state !== "blocked";
}
