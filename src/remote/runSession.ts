import type { Event } from "vscode";
import type { LearnerVerb } from "../scheduler/control/learnerVerbs";
import type { EditedParts, StudyComparison } from "../scheduler/control/studyComparison";
import type { Failure } from "../scheduler/state/failure";
import type { JobId, LearnerId } from "../scheduler/state/rows";
import type { Preview } from "../scheduler/workers/messages";
import type { AnswerOf } from "./controlConnection";
import type { Link } from "./link";
import type { QueryName, ReplicaQueries } from "./replica/queries";

/** A run that somebody may connect to. */
export interface FoundRun {
  /** The run's state folder; on a cluster with the host before it. */
  directory: string;
  name: string;
  /** ISO 8601. */
  created: string;
}

/** One run as the views see it: its link, its replica, and what can be asked of its scheduler. */
export interface RunSession {
  readonly directory: string;
  readonly link: Link;
  readonly onDidChangeLink: Event<Link>;
  /** Something in the replica changed; at most ten times a second. */
  readonly onDidChange: Event<void>;
  /** New data of a watched learner. */
  readonly onDidPreview: Event<{ learner: LearnerId; preview: Preview }>;
  /** A watched learner has nothing to be drawn, and why; null when nothing of it is saved yet. */
  readonly onDidFindNothing: Event<{ learner: LearnerId; why: string | null }>;
  /** A condition to show with the run (disk full, compute nodes out of reach), or null when over. */
  readonly notice: { code: string; message: string; hint: string } | null;

  query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): Promise<ReplicaQueries[Q]["result"]>;
  /** Says which learners are looked at, so that their data comes and their reports come every second. */
  watch(learners: readonly LearnerId[]): void;

  /**
   * Connects, because a person wants that now and answers what it takes.
   * @throws AdaptiveError why it cannot be
   */
  reconnect(): Promise<void>;
  startJobs(): Promise<void>;
  stopJobs(): Promise<void>;
  /** @returns how many there were to change */
  changeLearners(verb: LearnerVerb, learners: readonly LearnerId[]): Promise<number>;
  /** How the done learners stand to the goal of now. */
  missedGoals(): Promise<AnswerOf<"missedGoals">>;
  /** What of the study differs from what the run has; runs no Python. */
  studyEdits(): Promise<EditedParts>;
  /** Has a job evaluate one point of each learner, or without any of some that are well apart; a point may take hours. */
  tryLearners(learners: readonly LearnerId[]): Promise<AnswerOf<"tryLearners">>;
  cancelJobs(jobs: readonly JobId[]): Promise<void>;
  /**
   * What an update of the run to its edited study would do; null when it was not edited.
   * @throws AdaptiveError for a learners file that cannot be read, naming file and line
   */
  compareStudy(): Promise<StudyComparison | null>;
  /** @param revision what was compared, so that nobody agrees to what they have not seen */
  updateStudy(revision: string): Promise<void>;
  /** How a learner failed last; null when that is not kept. */
  failure(learner: LearnerId): Promise<Failure | null>;
  /**
   * What a terminal on the run's machine runs for a shell in a job, and the folder to start it in.
   * @throws AdaptiveError `job-ended`, `job-waits`, `no-job`
   */
  jobShell(job: JobId): Promise<AnswerOf<"jobShell">>;
  jobOutput(job: JobId): Promise<{ text: string; truncated: boolean }>;
  dispose(): void;
}
