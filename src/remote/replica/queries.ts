/**
 * What the views may ask the replica of a run. The replica lives in a worker thread, because
 * sql.js is synchronous and the extension host is shared; so every answer is plain data.
 */
import type { Sample } from "../../scheduler/control/protocol";
import type { JobRow, JobState, LearnerId, LearnerRow, LearnerState, RunRow } from "../../scheduler/state/rows";

/** The run in numbers. */
export interface Overview {
  run: RunRow;
  learners: Record<LearnerState, number>;
  jobs: Record<JobState, number>;
  /** Points of all learners together. */
  npoints: number;
}

/** Which learners: of these states, or any; and those that match a filter, or all. */
export interface LearnerChoice {
  states?: readonly LearnerState[];
  /** In the language of `state/filter.ts`. */
  filter?: string;
}

/** A parameter of the learners, by its name. */
export type ParameterOrder = `parameter:${string}`;

/** Sorted by any column of a learner or by a parameter, what has none last in either direction; ties by id. */
export interface LearnerQuery extends LearnerChoice {
  orderBy: keyof LearnerRow | ParameterOrder;
  descending: boolean;
  offset: number;
  limit: number;
}

/** The rows in sight of a longer list. */
export interface Page<T> {
  total: number;
  offset: number;
  rows: readonly T[];
}

/** A job with the learner it runs. */
export type JobView = JobRow & { learner: Pick<LearnerRow, "id" | "combo" | "fname" | "npoints"> | null };

/** Each query with its parameters and its answer. */
export interface ReplicaQueries {
  overview: { params: null; result: Overview };
  learners: { params: LearnerQuery; result: Page<LearnerRow> };
  learnerIds: { params: LearnerChoice; result: readonly LearnerId[] };
  /** All of them as a table with their parameters. */
  learnersCsv: { params: Omit<LearnerQuery, "offset" | "limit">; result: string };
  /** How many learners match a filter, by state. */
  matches: { params: { filter: string }; result: Record<LearnerState, number> };
  /** The names of the learners' parameters. */
  parameters: { params: null; result: readonly string[] };
  learner: { params: { id: LearnerId }; result: LearnerRow | null };
  /** Jobs that have not ended, then the newest ended ones, at most `limit`. */
  jobs: { params: { limit: number }; result: readonly JobView[] };
  /** Points and jobs over time, oldest first; at most 512 samples. */
  series: { params: null; result: readonly Sample[] };
}
export type QueryName = keyof ReplicaQueries;
