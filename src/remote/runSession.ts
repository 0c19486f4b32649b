import type { Event } from "vscode";
import type { Preview } from "../scheduler/workers/messages";
import type { JobId, LearnerId } from "../scheduler/state/rows";
import type { QueryName, ReplicaQueries } from "./replica/queries";

/** Where the link to a run's scheduler stands. */
export type Link =
  | { at: "offline"; since: Date; why: string }
  | { at: "connecting"; step: string }
  | { at: "online" }
  | { at: "retrying"; attempt: number; nextInMs: number; why: string };

/** One run as the views see it: its link, its replica, and what can be asked of its scheduler. */
export interface RunSession {
  readonly directory: string;
  readonly link: Link;
  readonly onDidChangeLink: Event<Link>;
  /** Something in the replica changed; at most ten times a second. */
  readonly onDidChange: Event<void>;
  /** New data of a watched learner. */
  readonly onDidPreview: Event<{ learner: LearnerId; preview: Preview }>;
  /** A condition to show with the run (disk full, compute nodes out of reach), or null when over. */
  readonly notice: { message: string; hint: string } | null;

  query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): Promise<ReplicaQueries[Q]["result"]>;
  /** Says which learners are looked at, so that their data comes and their reports come every second. */
  watch(learners: readonly LearnerId[]): void;

  startJobs(): Promise<void>;
  stopJobs(): Promise<void>;
  retryLearners(learners: readonly LearnerId[]): Promise<number>;
  jobOutput(job: JobId): Promise<{ text: string; truncated: boolean }>;
  dispose(): void;
}
