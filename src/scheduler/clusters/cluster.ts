/** What the job loop knows of a cluster: commands to run, and what their output means. */

export interface CommandOutput {
  /** Null when the command was ended by a signal or by its deadline. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A command of the queue, as a value: somebody else runs it, here or elsewhere. */
export interface ClusterCommand<T> {
  argv: readonly string[];
  stdin?: string;
  deadlineMs: number;
  /** @throws AdaptiveError with the command's own words when it failed */
  parse: (output: CommandOutput) => T;
}

/** Jobs to submit together: one array. */
export interface Submission {
  /** Numbers the submissions of a run; part of each job's tag. */
  number: number;
  count: number;
  /** The job script; the jobs of an array differ in `ADAPTIVE_JOB_ID` alone. */
  script: string;
  /** Nodes that have lost jobs and are to be left out. */
  excludedNodes: readonly string[];
}

/** A job as the queue has it. */
export interface QueuedJob {
  id: string;
  name: string;
  /** Null where nothing of what it was submitted with is left to tell; it is the run's all the same. */
  submission: number | null;
  /** `running` from when it has its nodes until these are free again: also while it is configured, suspended or completing. */
  state: "queued" | "running" | "ended";
  /** How often the queue has started it anew under the same id. */
  restart: number;
  host: string | null;
  /** What the queue allows it, which may be less than it asked for; null when it does not say, or sets no limit. */
  walltimeSeconds: number | null;
  /** Why it waits, in plain words. */
  waitsFor: string | null;
  /** As it was asked for it can never start. */
  isHopeless: boolean;
  /** Of an ended job, as far as the queue knows it. */
  end: JobEnd | null;
}

/** Ids of live jobs; there may be more of them when an answer comes than there were when it was asked for. */
export type KnownJobs = Pick<ReadonlySet<string>, "has"> & Iterable<string>;

/** How a job ended, as far as somebody knows it. */
export interface JobEnd {
  /** 128 + n after signal n. */
  exitCode: number | null;
  cause: EndCause | null;
  /** Of a job that the queue could not start, or ended for a reason of its own: goes behind "its job 4711_3". */
  words?: string;
}

/** `exit` is a job's own end, well or badly; the others were done to it. */
export type EndCause = "exit" | "walltime" | "memory" | "cancelled" | "preempted" | "node failure";

/**
 * Commands fail with an AdaptiveError. Of those of `submit`, `submission-refused` (as it is asked for
 * it will never be taken) and `queue-full` (later it may be) say that nothing was submitted; after any
 * other nobody knows.
 */
export interface Cluster {
  /**
   * Whether a listing tells how things are at its moment. Else a job may be missing in one by an
   * accident, and only several prove that it is gone.
   */
  readonly isExact: boolean;
  /** Asked once, before the first submission: how many jobs one array may have. */
  largestArray: () => ClusterCommand<number> | null;
  submit: (submission: Submission) => ClusterCommand<{ id: string; name: string }[]>;
  /**
   * All jobs of this run in one command: those that the queue has confirmed, by their ids, whatever it made of
   * what they were submitted with; and those that nobody confirmed, by the marks that they carry.
   */
  list: (known: KnownJobs) => ClusterCommand<QueuedJob[]>;
  /** How jobs ended that the queue does not list any more; null where nobody keeps account. */
  account: (jobs: readonly string[]) => ClusterCommand<ReadonlyMap<string, JobEnd>> | null;
  /** @param force for jobs that did not end when they were asked to */
  cancel: (jobs: readonly string[], force: boolean) => ClusterCommand<void>;
  /**
   * What a person's terminal runs to have a shell where a job runs; says so there when the job has ended.
   * A terminal of the run's machine, in the run directory.
   */
  shell: (job: string) => readonly string[];
}
