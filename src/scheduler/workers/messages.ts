import * as v from "valibot";
import type { Goal } from "../state/settings";

/** Version of the messages below; a worker of another version is told so and ends. */
export const workerProtocol = 1;

/** Larger messages are dropped unread: a preview of 2 000 points stays far below. */
export const maxMessageBytes = 1 << 20;

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

const progress = {
  learner: count,
  epoch: count,
  npoints: count,
  /** Null when the loss is not finite, as for a learner without points. */
  loss: v.nullable(v.pipe(v.number(), v.finite())),
};

const maxPreviewPoints = 5000;
const axis = v.pipe(v.array(v.nullable(v.number())), v.maxLength(maxPreviewPoints));

/**
 * A learner's data, thinned for drawing. `x` has shape (n,), sorted; `y` has shape (components, n).
 */
export const previewSchema = v.object({
  kind: v.literal("line"),
  x: axis,
  y: v.pipe(v.array(axis), v.maxLength(16)),
  xLabel: line,
  yLabel: line,
  bounds: v.tuple([v.number(), v.number()]),
  npoints: count,
});
export type Preview = v.InferOutput<typeof previewSchema>;

/** What a worker may say. */
export const workerRequestSchema = v.variant("type", [
  v.object({ ...envelope, type: v.literal("start"), resourceClass: name, revision: name }),
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
    why: v.picklist(["stopped", "terminated", "learners-changed"]),
  }),
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
