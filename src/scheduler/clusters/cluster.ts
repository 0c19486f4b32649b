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
}

/** A job as the queue has it. */
export interface QueuedJob {
  id: string;
  name: string;
  submission: number;
  state: "queued" | "running" | "ended";
  host: string | null;
  /** Of an ended job, where the queue knows it; 128 + n after signal n. */
  exitCode: number | null;
}

export interface Cluster {
  submit: (submission: Submission) => ClusterCommand<{ id: string; name: string }[]>;
  /** All jobs of this run in one command. A job that is missing has ended. */
  list: () => ClusterCommand<QueuedJob[]>;
  /** @param force for jobs that did not end when they were asked to */
  cancel: (jobs: readonly string[], force: boolean) => ClusterCommand<void>;
}
