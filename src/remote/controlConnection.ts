import * as v from "valibot";
import { framed, FrameReader } from "../scheduler/control/framing";
import { RpcClient } from "../scheduler/control/jsonRpc";
import type { Notifications, Params, Progress, Results } from "../scheduler/control/protocol";
import { editedPartsSchema, studyComparisonSchema } from "../scheduler/control/studyComparison";
import { isChange } from "../scheduler/state/changes";
import { AdaptiveError, toAdaptiveError } from "../scheduler/state/errors";
import { failureSchema } from "../scheduler/state/failure";
import { asLearnerId } from "../scheduler/state/rows";
import { trialSchema } from "../scheduler/state/trial";
import { previewSchema } from "../scheduler/workers/messages";
import { within } from "./clock";
import type { Clock } from "../scheduler/state/clock";
import { outputTail, type ProgramCommand } from "./launch";
import type { RunningProcess } from "./transport";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const learnerId = v.pipe(count, v.transform(asLearnerId));
/** Of 100 000 learners some 50 MB. */
const maxSnapshotBytes = 1 << 30;
const moved = v.object({ moved: count });

/** What is asked of a scheduler, with what its answers must look like. */
const answerSchemas = {
  attach: v.object({
    position: v.object({ runId: v.string(), incarnation: count, seq: count }),
    snapshot: v.nullable(v.object({ bytes: v.pipe(count, v.maxValue(maxSnapshotBytes)) })),
  }),
  "snapshot/read": v.object({ base64: v.string() }),
  ping: v.unknown(),
  watch: v.unknown(),
  startJobs: v.unknown(),
  stopJobs: v.unknown(),
  retryLearners: moved,
  stopLearners: moved,
  reopenLearners: moved,
  missedGoals: v.object({ done: count, missed: v.array(learnerId), unknown: v.array(learnerId) }),
  studyEdits: editedPartsSchema,
  compareStudy: v.nullable(studyComparisonSchema),
  updateStudy: v.unknown(),
  failure: v.nullable(failureSchema),
  tryLearners: v.object({
    trials: v.array(v.object({ id: learnerId, fname: v.string(), combo: v.string(), trial: trialSchema })),
    proposal: v.nullable(v.object({ cores: count, walltime: v.string(), reasons: v.array(v.string()) })),
  }) satisfies v.GenericSchema<unknown, Results["tryLearners"]>,
  cancelJobs: v.unknown(),
  jobShell: v.object({
    argv: v.pipe(v.array(v.pipe(v.string(), v.check(hasNoNul))), v.minLength(1), v.maxLength(100)),
    directory: v.pipe(v.string(), v.startsWith("/"), v.check(hasNoNul)),
  }),
  jobOutput: v.object({ text: v.string(), truncated: v.boolean() }),
} as const;
export type AskedMethod = keyof typeof answerSchemas;
export type AnswerOf<M extends AskedMethod> = v.InferOutput<(typeof answerSchemas)[M]>;

/** All changes since a position far back may come at once; more than this no run of ours sends. */
const maxSentBytes = 128 << 20;

/** Hears what the scheduler sends unasked. */
export type NotificationHandlers = { readonly [N in keyof Notifications]: (value: Notifications[N]) => void };

/** JSON-RPC with one run's scheduler over the standard input and output of its `attach` bridge. */
export class ControlConnection {
  /** Rejects with the reason when the connection has ended; never resolves. */
  readonly ended: Promise<never>;
  private readonly rpc: RpcClient;
  private reject: (why: AdaptiveError) => void = () => undefined;
  private endedBy: AdaptiveError | null = null;
  private lastHeardAt: number | null = null;

  constructor(
    process: RunningProcess,
    command: ProgramCommand<never>,
    private readonly handlers: NotificationHandlers,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
  ) {
    this.ended = new Promise<never>((_, reject) => (this.reject = reject));
    // Whoever is not waiting just now hears of the end when he waits next.
    this.ended.catch(() => undefined);
    const output = outputTail(process);
    const { stdin, stdout } = process;
    this.rpc = new RpcClient(
      (message) => stdin.write(framed(message)),
      (method, params) => this.hear(method, params),
    );
    // A command that failed says why in a line that is no message.
    const reader = new FrameReader(maxSentBytes, () => undefined);
    stdout.on("data", (chunk: Buffer) => {
      for (const message of reader.push(chunk)) {
        this.lastHeardAt = clock.now();
        if (this.endedBy === null && !this.rpc.receive(message.toString("utf8"))) this.end(notUnderstood("something"));
      }
    });
    void process.exit.then(({ code, lost }) => {
      try {
        if (lost !== undefined) throw lost;
        command.parse({ code, ...output() });
      } catch (error) {
        this.end(toAdaptiveError(error));
      }
    });
  }

  /** When the scheduler said something last, in milliseconds since the epoch. */
  get heardAt(): number | null {
    return this.lastHeardAt;
  }

  /** @throws AdaptiveError what the scheduler answered, or that the connection ended or did not answer in time */
  async request<M extends AskedMethod>(method: M, params: Params<M>, deadlineMs = 30_000): Promise<AnswerOf<M>> {
    const { clock, signal } = this;
    const what = `The scheduler (${method})`;
    try {
      const answer = await within(clock, this.rpc.request(method, params), { deadlineMs, signal, what });
      const read = v.safeParse(answerSchemas[method], answer);
      if (read.success) return read.output;
      throw notUnderstood(`an answer to ${method}`);
    } catch (error) {
      // The end of a connection fails its open requests; why it ended says more than that.
      throw this.endedBy ?? toAdaptiveError(error);
    }
  }

  dispose(): void {
    this.end(new AdaptiveError("closed", "The connection to the scheduler was closed"));
  }

  private end(why: AdaptiveError): void {
    if (this.endedBy !== null) return;
    this.endedBy = why;
    this.reject(why);
    this.rpc.end(why);
  }

  private hear(method: string, params: unknown): void {
    if (!isNotification(method)) return;
    try {
      if (notificationChecks[method](params)) return (this.handlers[method] as (value: unknown) => void)(params);
    } catch {
      // What passes the check may still be none of ours, deeper inside.
    }
    // One that cannot be drawn costs its picture alone.
    if (method !== "preview") this.end(notUnderstood(method));
  }
}

const isNotification = (method: string): method is keyof Notifications => Object.hasOwn(notificationChecks, method);

function notUnderstood(what: string): AdaptiveError {
  return new AdaptiveError("unknown-message", `The scheduler sent ${what} that was not understood`);
}

/** Cheap checks: the scheduler is ours, but may be of another version. */
const notificationChecks: { readonly [N in keyof Notifications]: (value: unknown) => value is Notifications[N] } = {
  changes: (value): value is Notifications["changes"] =>
    isObject(value) &&
    typeof value["incarnation"] === "number" &&
    Array.isArray(value["changes"]) &&
    value["changes"].every(isChange),
  progress: (value): value is Progress =>
    isObject(value) &&
    isObject(value["sample"]) &&
    ["learners", "npoints", "loss"].every((column) => Array.isArray(value[column])),
  preview: (value): value is Notifications["preview"] =>
    isObject(value) && typeof value["learner"] === "number" && v.is(previewSchema, value["preview"]),
  noPreview: (value): value is Notifications["noPreview"] =>
    isObject(value) &&
    typeof value["learner"] === "number" &&
    (value["why"] === null || typeof value["why"] === "string"),
  closing: (value): value is Notifications["closing"] => value === null,
  // Without a code from schedulers that began before there was one.
  notice: (value): value is Notifications["notice"] =>
    value === null ||
    (isObject(value) &&
      ["message", "hint"].every((name) => typeof value[name] === "string") &&
      ["string", "undefined"].includes(typeof value["code"])),
};

function hasNoNul(text: string): boolean {
  return !text.includes("\0");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
