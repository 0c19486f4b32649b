import type { QueuedJob } from "../clusters/cluster";
import type { LearnerProgress } from "../state/lostPoints";
import type { JobId, LearnerId } from "../state/rows";
import type { Settings } from "../state/settings";
import type { Evidence } from "./evidence";

/** What is decided on besides the model. */
export interface Circumstances {
  settings: Pick<Settings, "maxJobs" | "maxFailures" | "resources" | "classes" | "saveEverySeconds">;
  /** Cores that all jobs of the run share; null where the queue sees to it. */
  sharedCores: number | null;
  /** All jobs of the run as the queue has just listed them; null when it was not asked, or not believed. */
  listing: readonly QueuedJob[] | null;
  /** Live jobs that have ended, with what is known of how. */
  gone: ReadonlyMap<JobId, Pick<Evidence, "own" | "told">>;
  /** Submissions that turned out not to have happened. */
  lost: readonly number[];
  /** Submissions that this process is making at the moment. */
  inFlight: ReadonlySet<number>;
  progress: (learner: LearnerId) => LearnerProgress;
  /** The walltime that the queue gives a job, in seconds; null when it did not say. */
  allowedSeconds: (job: JobId) => number | null;
  /** When the worker of a job was last heard, in milliseconds since the epoch. */
  heardAt: (job: JobId) => number;
  now: number;
}
