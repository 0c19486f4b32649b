import * as v from "valibot";
import type { Model } from "./model";
import { asJobId, type LearnerRow } from "./rows";

/** One point of a learner, evaluated to see what it costs. */
export const trialSchema = v.object({
  /** Milliseconds since the epoch. */
  at: v.number(),
  job: v.string(),
  /** The point and its value, in Python's words; the value is null when evaluating it failed. */
  point: v.string(),
  value: v.nullable(v.string()),
  /** Seconds that evaluating took, and peak resident memory of the process that did it, in MB. */
  seconds: v.number(),
  megabytes: v.number(),
  /** One line; null when all went well. */
  error: v.nullable(v.string()),
  traceback: v.nullable(v.string()),
});
export type Trial = v.InferOutput<typeof trialSchema>;

/** What trying one of a learner's points gave; null when none was tried. */
export function trialOf({ trial }: Pick<LearnerRow, "trial">): Trial | null {
  return trial === null ? null : (JSON.parse(trial) as Trial);
}

/**
 * The submission that tried a learner last, as far as was told; 0 when none did. Later ones have higher
 * numbers, while clocks may have been set.
 */
export function triedBy({ jobs }: Model, learner: LearnerRow): number {
  const job = trialOf(learner)?.job;
  return job === undefined ? 0 : (jobs.get(asJobId(job))?.submission ?? 0);
}
