import * as v from "valibot";

const failed = {
  job: v.string(),
  /** Milliseconds since the epoch. */
  at: v.pipe(v.number(), v.finite()),
  /** One line. */
  error: v.string(),
  /** Of the process that evaluated the point; null when the job died without a word. */
  traceback: v.nullable(v.string()),
};

/** How a learner failed last. */
export const failureSchema = v.object({
  ...failed,
  /** Of one that left no traceback: the last one before that did. */
  earlier: v.optional(v.nullable(v.object(failed)), null),
  /** The end of what the job printed. */
  output: v.string(),
});
export type Failure = v.InferOutput<typeof failureSchema>;
