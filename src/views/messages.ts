/**
 * What the dashboard's page and the extension say to each other. The page says what it looks at;
 * the extension sends that, and again whenever it has changed. Each side parses what it gets.
 */
import * as v from "valibot";
import type { ParameterOrder } from "../remote/replica/queries";
import { learnerVerbs } from "../scheduler/control/learnerVerbs";
import { asLearnerId, jobStates, learnerStates } from "../scheduler/state/rows";
import { previewSchema } from "../scheduler/workers/messages";

/** Columns of a learner by which the list can be sorted. */
export const sortColumns = ["position", "resourceClass", "state", "npoints", "loss", "lastJobId", "changedAt"] as const;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const learnerId = v.pipe(count, v.transform(asLearnerId));
const stateSchema = v.picklist(learnerStates);
/** Keeps a message far below 2 MB, however long the parameters. */
const maxRows = 200;
/** Learners that may be chosen one by one or by rows; of more, those that a filter leaves are changed. */
export const maxChosen = 10_000;

const orderSchema = v.union([
  v.picklist(sortColumns),
  // A parameter by its name.
  v.pipe(
    v.string(),
    v.startsWith("parameter:"),
    v.maxLength(1000),
    v.transform((name) => name as ParameterOrder),
  ),
]);

const listSchema = v.object({
  /** Only learners in this state; null for all. */
  state: v.nullable(stateSchema),
  orderBy: orderSchema,
  descending: v.boolean(),
  offset: count,
  limit: v.pipe(count, v.maxValue(maxRows)),
});
/** The rows in sight of the list of learners. */
export type ListLook = v.InferOutput<typeof listSchema>;

export const fromPageSchema = v.variant("type", [
  /** The page is there, and was told nothing yet. */
  v.object({ type: v.literal("opened") }),
  /** What the page looks at. */
  v.object({ type: v.literal("look"), list: listSchema, selected: v.nullable(learnerId) }),
  v.object({
    type: v.literal("changeLearners"),
    verb: v.picklist(learnerVerbs),
    learners: v.pipe(v.array(learnerId), v.maxLength(maxChosen)),
  }),
  /** Which learners are the rows of the list from `offset` up to but not including `end`? */
  v.object({ type: v.literal("choose"), list: listSchema, end: count }),
  /** Of the learners that are listed, all that the verb is for. */
  v.object({ type: v.literal("changeListed"), verb: v.picklist(learnerVerbs) }),
  /** The learners that are listed, as a table. */
  v.object({ type: v.literal("saveListed") }),
  v.object({ type: v.literal("filter"), text: v.pipe(v.string(), v.maxLength(10_000)) }),
  /** Of all that failed, whatever is listed. */
  v.object({ type: v.literal("retryFailed") }),
  v.object({ type: v.literal("showOutput"), job: v.pipe(v.string(), v.maxLength(256)) }),
  /** To where in the study the learner that is looked at failed, or its trial did. */
  v.object({ type: v.literal("goToLine"), of: v.picklist(["failure", "trial"]) }),
  /** A plot as it stands, to be saved as a PNG file. */
  v.object({ type: v.literal("savePlot"), name: v.string(), pngBase64: v.string() }),
  /** What is done with the outcome of trying points: one of its steps, or null to dismiss it. */
  v.object({ type: v.literal("takeTried"), step: v.nullable(v.string()) }),
  /** The page's run, which is not connected. */
  v.object({ type: v.literal("showRun") }),
  v.object({
    type: v.literal("runCommand"),
    command: v.picklist(["startJobs", "stopJobs", "updateRun", "connect", "showLog", "downloadData"]),
  }),
]);
export type FromPage = v.InferOutput<typeof fromPageSchema>;

/** What the page said, or a line for the log: what is not understood may be anything, and not even text. */
export function hearPage(message: unknown): { said: FromPage } | { problem: string } {
  const parsed = v.safeParse(fromPageSchema, message, { abortEarly: true });
  if (parsed.success) return { said: parsed.output };
  return { problem: `the page sent what was not understood (${v.getDotPath(parsed.issues[0]) ?? "all"})` };
}

const parameterSchema = v.tuple([v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])]);
const learnerSchema = v.object({
  id: learnerId,
  label: v.string(),
  parameters: v.array(parameterSchema),
  fname: v.string(),
  type: v.string(),
  resourceClass: v.string(),
  state: stateSchema,
  reason: v.nullable(v.string()),
  error: v.nullable(v.string()),
  failures: count,
  /** What should be known of its data. */
  remark: v.nullable(v.string()),
  npoints: count,
  loss: v.nullable(v.number()),
  /** The job that runs it, or else the last that did. */
  job: v.nullable(v.string()),
  changedAt: v.number(),
});
/** A learner as the page shows it. */
export type ShownLearner = v.InferOutput<typeof learnerSchema>;

/** The line of the study that a traceback leads to, in words: the page can have it opened. */
const placeSchema = v.nullable(v.string());

/** How a learner failed last; its study's files by the names they have here. */
const shownFailureSchema = v.object({
  job: v.string(),
  /** Milliseconds since the epoch. */
  at: v.number(),
  traceback: v.nullable(v.string()),
  output: v.string(),
  place: placeSchema,
});
export type ShownFailure = v.InferOutput<typeof shownFailureSchema>;

/** What trying a point of a learner gave, in words. */
const shownTrialSchema = v.object({
  /** Milliseconds since the epoch. */
  at: v.number(),
  line: v.string(),
  hasFailed: v.boolean(),
  traceback: v.nullable(v.string()),
  place: placeSchema,
});
export type ShownTrial = v.InferOutput<typeof shownTrialSchema>;

const runSchema = v.object({
  name: v.string(),
  cluster: v.string(),
  activity: v.picklist(["active", "paused", "stopped"]),
  /** What a person should know of the run. */
  remark: v.nullable(v.string()),
  learners: v.record(stateSchema, count),
  jobs: v.record(v.picklist(jobStates), count),
  npoints: count,
  /** Of a run that has nothing left to do: since when, and since when it had gone on. */
  finished: v.nullable(v.object({ at: v.number(), startedAt: v.nullable(v.number()) })),
  isOnCluster: v.boolean(),
});
export type ShownRunNumbers = v.InferOutput<typeof runSchema>;

const sampleSchema = v.object({ time: v.number(), npoints: count, running: count, queued: count, done: count });

/** Several come in one message. */
export const toPageSchema = v.variant("type", [
  v.object({
    type: v.literal("run"),
    /** Null while nothing is known of it. */
    run: v.nullable(runSchema),
    /** What is said of a link that is not up. */
    link: v.nullable(v.string()),
    notice: v.nullable(v.object({ message: v.string(), hint: v.string() })),
    /** What is said of an edited study, and the command that takes the edit in. */
    edit: v.nullable(v.object({ line: v.string(), command: v.picklist(["updateRun", "startJobs"]) })),
    /** What trying points gave last, until jobs are started or it is dismissed; its steps by the words on their buttons. */
    tried: v.nullable(v.object({ words: v.string(), hasFailed: v.boolean(), steps: v.array(v.string()) })),
    /** Whether the link comes back when a person wants it to. */
    canConnect: v.boolean(),
    /** Whether jobs and learners can be told what to do: connected, or a scheduler is started for it, and the workspace trusted. */
    canAct: v.boolean(),
  }),
  /** The run is not connected, and why. */
  v.object({ type: v.literal("away"), line: v.string(), canShow: v.boolean() }),
  v.object({ type: v.literal("series"), samples: v.array(sampleSchema) }),
  /** Answers the newest look. */
  v.object({
    type: v.literal("learners"),
    list: listSchema,
    /** By which the rows were chosen. */
    filter: v.string(),
    /** How many learners match it, by state. */
    matching: v.record(stateSchema, count),
    total: count,
    rows: v.array(learnerSchema),
  }),
  /** Answers `choose`. */
  v.object({ type: v.literal("chosen"), learners: v.array(learnerId) }),
  /** The filter, and what is wrong with the one that was last asked for instead. */
  v.object({ type: v.literal("filter"), text: v.string(), problem: v.nullable(v.string()) }),
  v.object({
    type: v.literal("selected"),
    learner: v.nullable(learnerSchema),
    /** Null when none was tried, or it has run since. */
    trial: v.nullable(shownTrialSchema),
  }),
  v.object({ type: v.literal("preview"), learner: learnerId, preview: previewSchema }),
  /** There is nothing to draw of a learner, and why; null when nothing of it is saved yet. */
  v.object({ type: v.literal("noPreview"), learner: learnerId, why: v.nullable(v.string()) }),
  /** How a learner with an error failed last; null when that is not kept. */
  v.object({ type: v.literal("failure"), learner: learnerId, failure: v.nullable(shownFailureSchema) }),
  /** The extension asks the page to select a learner. */
  v.object({ type: v.literal("select"), learner: learnerId }),
]);
export type ToPage = v.InferOutput<typeof toPageSchema>;

/** What the page keeps across a reload of the window. */
export const pageStateSchema = v.object({ directory: v.string(), selected: v.nullable(learnerId) });
