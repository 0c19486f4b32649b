import * as v from "valibot";
import type { DataframeFormat, Goal } from "../state/settings";

/** Version of the messages below; a worker of another version is told so and ends. */
export const workerProtocol = 1;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const line = v.pipe(v.string(), v.maxLength(4096));
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256));

const envelope = {
  v: v.literal(workerProtocol),
  /** The queue's id of the job, and how often the queue has restarted it. */
  job: name,
  restart: count,
  /** Random name of the process that speaks for the job. */
  instance: name,
  /** Counts this instance's requests; a repeated request has the same number. */
  n: count,
  host: name,
  pid: count,
};

/** Those of 100 000 learners together are still a whole number for SQLite. */
const points = v.pipe(count, v.maxValue(1e12));

const progress = {
  learner: count,
  epoch: count,
  npoints: points,
  /** Null when the loss is not finite, as for a learner without points. */
  loss: v.nullable(v.pipe(v.number(), v.finite())),
  /** Points that its data files have: what is left when this job is lost. Absent until the learner is loaded. */
  saved: v.optional(points),
};

const maxPreviewPoints = 5000;
const axis = v.pipe(v.array(v.nullable(v.number())), v.maxLength(maxPreviewPoints));

const interval = v.tuple([v.number(), v.number()]);

const drawn = {
  npoints: count,
  /** Numbers that belong to the data as a whole, e.g. an integral with its error, as text. */
  facts: v.optional(v.pipe(v.array(v.object({ label: line, text: line })), v.maxLength(8)), []),
};

/** A function of one variable: `x` has shape (n,), sorted; `y` has shape (components, n). */
const linePreview = v.object({
  kind: v.literal("line"),
  ...drawn,
  x: axis,
  y: v.pipe(v.array(axis), v.maxLength(16)),
  /** Standard error of each y, shape (n,); null where it is not known. Only with one component. */
  errors: v.optional(v.nullable(axis), null),
  xLabel: line,
  yLabel: line,
  bounds: interval,
});

/** A function of two variables, at scattered points: all three of shape (n,). */
const surfacePreview = v.object({
  kind: v.literal("surface"),
  ...drawn,
  x: axis,
  y: axis,
  z: axis,
  xLabel: line,
  yLabel: line,
  zLabel: line,
  bounds: v.tuple([interval, interval]),
});

/** A function of three or more variables: `x` has shape (dimensions, n), `value` shape (n,). */
const pointsPreview = v.object({
  kind: v.literal("points"),
  ...drawn,
  x: v.pipe(v.array(axis), v.minLength(1), v.maxLength(16)),
  value: axis,
  labels: v.pipe(v.array(line), v.maxLength(16)),
  valueLabel: line,
  bounds: v.pipe(v.array(interval), v.maxLength(16)),
});

/** Samples of a random variable: `edges` has one entry more than `counts`. */
const histogramPreview = v.object({
  kind: v.literal("histogram"),
  ...drawn,
  edges: axis,
  counts: v.pipe(v.array(count), v.maxLength(maxPreviewPoints)),
  xLabel: line,
  mean: v.nullable(v.number()),
  standardError: v.nullable(v.number()),
});

/** Values of a sequence: `index`, `values` (null where a value is no number) and `texts`, all of shape (n,). */
const sequencePreview = v.object({
  kind: v.literal("sequence"),
  ...drawn,
  index: v.pipe(v.array(count), v.maxLength(maxPreviewPoints)),
  values: axis,
  texts: v.pipe(v.array(line), v.maxLength(maxPreviewPoints)),
  /** How many entries the whole sequence has. */
  total: count,
});

export type LinePreview = v.InferOutput<typeof linePreview>;

export type SurfacePreview = v.InferOutput<typeof surfacePreview>;
export type PointsPreview = v.InferOutput<typeof pointsPreview>;

const simplePreviews = [linePreview, surfacePreview, pointsPreview, histogramPreview, sequencePreview] as const;
const simplePreviewSchema = v.variant("kind", [...simplePreviews]);
export type SimplePreview = v.InferOutput<typeof simplePreviewSchema>;

/** The learners of a BalancingLearner, the first ones of `total`. */
const balancingPreview = v.object({
  kind: v.literal("balancing"),
  ...drawn,
  children: v.pipe(v.array(v.object({ label: line, preview: v.nullable(simplePreviewSchema) })), v.maxLength(16)),
  total: count,
});

/** A learner's data, thinned for drawing: at most 5 000 points in all. */
export const previewSchema = v.variant("kind", [...simplePreviews, balancingPreview]);
export type Preview = v.InferOutput<typeof previewSchema>;

/** One point of a learner, evaluated by a job that was submitted to try it. */
const trialSchema = v.object({
  learner: count,
  point: line,
  value: v.nullable(line),
  seconds: v.pipe(v.number(), v.finite(), v.minValue(0)),
  megabytes: v.pipe(v.number(), v.finite(), v.minValue(0)),
  error: v.nullable(line),
  traceback: v.nullable(v.pipe(v.string(), v.maxLength(16 * 1024))),
});

/** What a worker may say. */
export const workerRequestSchema = v.variant("type", [
  v.object({
    ...envelope,
    type: v.literal("start"),
    resourceClass: name,
    revision: name,
    /** Of Python and packages, by name. */
    versions: v.optional(v.record(name, name)),
    /** Why processes take the place of MPI, and the command that brings it; of how many nodes they use one. */
    withoutMpi: v.optional(v.object({ why: line, hint: line, nodes: v.optional(count) })),
  }),
  v.object({ ...envelope, type: v.literal("report"), ...progress, preview: v.optional(previewSchema) }),
  v.object({ ...envelope, type: v.literal("done"), ...progress, preview: v.optional(previewSchema) }),
  v.object({
    ...envelope,
    type: v.literal("failed"),
    ...progress,
    error: line,
    traceback: v.pipe(v.string(), v.maxLength(64 * 1024)),
  }),
  v.object({
    ...envelope,
    type: v.literal("released"),
    ...progress,
    /** As wished; by SIGTERM; before the walltime's end; another learner at its place. */
    why: v.picklist(["stopped", "terminated", "deadline", "learners-changed"]),
    /** Of `learners-changed`: which file name stands where that of the run should. */
    detail: v.optional(line),
  }),
  /** Something a person should know of the learner's data. */
  v.object({ ...envelope, type: v.literal("remark"), learner: count, epoch: count, text: line }),
  /** From a job of the class `try`. */
  v.object({ ...envelope, type: v.literal("tried"), trials: v.pipe(v.array(trialSchema), v.maxLength(64)) }),
]);
export type WorkerRequest = v.InferOutput<typeof workerRequestSchema>;
export type WorkerRequestOf<T extends WorkerRequest["type"]> = Extract<WorkerRequest, { type: T }>;

/** The whole of what the scheduler wishes of a worker; sent when it changes and with each reply. */
export interface Wish {
  /** `now`: save what is finished and end at once; `gently`: let running evaluations finish first. */
  stop: "now" | "gently" | null;
  /** Send the data of the learner with each report. */
  preview: boolean;
  reportEverySeconds: number;
}

/** What the scheduler answers; `n` is the request's. */
export type WorkerReply = { v: typeof workerProtocol; n: number } & (
  | {
      type: "assign";
      learner: number;
      epoch: number;
      /** Index in the lists of the learners file, and the file name(s) that must stand there. */
      index: number;
      fname: string | string[];
      goal: Goal | null;
      retries: number;
      saveEverySeconds: number;
      /** How far it is, as far as the scheduler knows: what to report until it is loaded. */
      npoints: number;
      loss: number | null;
      /** Save the data as a data frame too, in a file beside it. */
      dataframe: DataframeFormat | null;
      wish: Wish;
    }
  | { type: "nothing"; why: string }
  | { type: "ok"; wish: Wish }
  /** The learner has been given to another job, or is not this job's: do not save it any more. */
  | { type: "fenced"; why: string }
  | { type: "error"; code: "bad-message" | "wrong-version" | "unknown-job"; message: string }
);

/** What the scheduler may say unasked. */
export interface WishMessage {
  v: typeof workerProtocol;
  type: "wish";
  learner: number;
  wish: Wish;
}
