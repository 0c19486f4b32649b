/** What the editor tells the dashboard's page, much of it in a host's words, and what the page makes of it. */
import * as v from "valibot";
import { fieldOfPoints, fieldOfSurface, rasterize, spanOf, ticksIn, type Field } from "../../../src/views/field";
import { finishedLine } from "../../../src/views/finished";
import { formatAgo, formatLoss, formatValue } from "../../../src/views/format";
import { noDataWords, stateWords, troubleWords } from "../../../src/views/learnerWords";
import { type ShownLearner, type ToPage, toPageSchema } from "../../../src/views/messages";
import { previewSummary, previewTable } from "../../../src/views/previewText";
import { timeLeftMs } from "../../../src/views/timeLeft";
import { overTime } from "../../../src/views/webview/overTime";
import { type FuzzedDoor, readerDoor, spoilt } from "../door";
import { nearlyJson } from "../nearly";

const learner = {
  ...{ id: 3, label: "offset=0.1", parameters: [["offset", 0.1]], fname: "data/3.pickle", type: "Learner1D" },
  ...{ resourceClass: "default", state: "running", reason: null, error: "e", failures: 1, remark: "r" },
  ...{ npoints: 7, loss: 0.5, job: "4_1", changedAt: 5 },
};
const list = { state: null, orderBy: "position", descending: false, offset: 0, limit: 60 };
const drawn = { npoints: 3, facts: [{ label: "integral", text: "1" }] };
const labels = { xLabel: "x", yLabel: "y", zLabel: "z" };
const square = [
  [-1, 1],
  [0, 2],
];
const plane = { ...drawn, ...labels, x: [0, 1, 0.5], y: [0, 1, 0], z: [1, 2, null], bounds: square };
const line = { ...drawn, ...labels, kind: "line", x: [0, 1, 2], y: [[0, null, 1]], errors: [0, 1, 2], bounds: [0, 2] };
const previews: readonly object[] = [
  line,
  { ...plane, kind: "surface" },
  {
    ...{
      ...drawn,
      kind: "points",
      x: [
        [0, 1],
        [0, 1],
        [2, 3],
      ],
      value: [1, null],
      valueLabel: "v",
    },
    ...{ labels: ["x", "y", "z"], bounds: [...square, [0, 1]] },
  },
  { ...drawn, kind: "histogram", edges: [0, 1, 2], counts: [3, 4], xLabel: "x", mean: 1, standardError: 0.1 },
  { ...drawn, kind: "sequence", index: [0, 2], values: [1, null], texts: ["1", "a"], total: 4 },
  { ...drawn, kind: "balancing", children: [{ label: "a", preview: line }], total: 20 },
];
const run = {
  ...{ name: "peaks", cluster: "hpc", activity: "active", remark: "r", learners: { done: 3, running: 1 } },
  ...{ jobs: { running: 1 }, npoints: 9, finished: { at: 5, startedAt: 1 }, isOnCluster: true },
};
const samples = [1, 2].map((time) => ({ time, npoints: time, running: 1, queued: 0, done: time }));
const place = "line 3 of study.py";
const messages: readonly object[] = [
  {
    ...{ type: "run", run, link: "l", notice: { message: "m\nmore", hint: "h" }, canConnect: false, canAct: true },
    ...{ edit: { line: "l", command: "updateRun" }, tried: { words: "w", hasFailed: true, steps: ["s"] } },
  },
  { type: "away", line: "l", canShow: true },
  { type: "series", samples },
  { type: "learners", list, filter: "", matching: { running: 1 }, total: 1, rows: [learner] },
  { type: "chosen", learners: [1, 2] },
  { type: "filter", text: "offset>1", problem: "p" },
  { type: "selected", learner, trial: { at: 1, line: "l", hasFailed: true, traceback: "t", place } },
  ...previews.map((preview) => ({ type: "preview", learner: 3, preview })),
  { type: "noPreview", learner: 3, why: "w" },
  { type: "failure", learner: 3, failure: { job: "4_1", at: 1, traceback: "t", output: "o", place } },
  { type: "select", learner: 3 },
];

const nowMs = 1_000_000;
type Preview = Extract<ToPage, { type: "preview" }>["preview"];

/** What is computed for the page from a message; its elements put that in place. */
function show(message: ToPage): void {
  switch (message.type) {
    case "run":
      if (message.run === null) return;
      finishedLine(message.run, nowMs);
      return;
    case "series":
      overTime(message.samples);
      timeLeftMs(message.samples, { unfinished: 3, running: 1, nowMs });
      return;
    case "learners":
      message.rows.forEach(describe);
      return;
    case "selected":
      if (message.learner !== null) describe(message.learner);
      if (message.trial !== null) formatAgo(message.trial.at, nowMs);
      return;
    case "preview":
      previewSummary(message.preview, { label: "l", npoints: 3, loss: null, state: "running" });
      draw(message.preview);
      return;
    default:
  }
}

function describe(learner: ShownLearner): void {
  noDataWords(learner, { why: null, isOnline: true });
  const words = [stateWords(learner), troubleWords(learner) ?? "", formatLoss(learner.loss)];
  words.push(formatAgo(learner.changedAt, nowMs), ...learner.parameters.map(([, value]) => formatValue(value)));
  if (words.some((word) => typeof word !== "string")) throw spoilt("a learner is shown in no words");
}

function draw(preview: Preview): void {
  if (preview.kind === "balancing") {
    for (const child of preview.children) if (child.preview !== null) draw(child.preview);
    return;
  }
  const { columns, values } = previewTable(preview);
  if (columns.length !== values.length) throw spoilt(`a table has ${values.length} columns of ${columns.length}`);
  if (preview.kind === "surface") paint(fieldOfSurface(preview));
  if (preview.kind === "points") paint(fieldOfPoints(preview, [0, 1]));
}

function paint(field: Field): void {
  rasterize(field, spanOf(field.value), 40, 30);
  for (const interval of field.bounds) {
    const ticks = ticksIn(interval, 5);
    if (ticks.length > 20) throw spoilt(`an axis has ${ticks.length} ticks`);
  }
}

const toPage = readerDoor("to-page", nearlyJson(messages), (input) => {
  let said: unknown;
  try {
    said = JSON.parse(input.toString("utf8"));
  } catch {
    said = input;
  }
  const heard = v.safeParse(toPageSchema, said);
  if (heard.success) show(heard.output);
});

export const shownDoors: readonly FuzzedDoor[] = [toPage];
