import type { Preview, SimplePreview } from "../scheduler/workers/messages";
import { componentLabels, curveData, curveSummary } from "./curve";
import { spanOf } from "./field";
import { formatCount, plural } from "../scheduler/state/counts";
import { formatLoss, formatNumber } from "./format";

interface Learner {
  label: string;
  npoints: number;
  loss: number | null;
  state: string;
}

/** A plot in a sentence, for who does not see it. */
export function previewSummary(preview: Preview, learner: Learner): string {
  if (preview.kind === "line") return [curveSummary(preview, learner), ...factTexts(preview)].join("; ");
  const loss = learner.loss === null ? "" : `, loss ${formatLoss(learner.loss)}`;
  const head = `${learner.label}: ${learner.state}, ${plural(learner.npoints, "point")}${loss}`;
  return [head, ...shapeTexts(preview), ...factTexts(preview)].join("; ");
}

const factTexts = ({ facts }: Preview): string[] => facts.map(({ label, text }) => `${label} ${text}`);

function shapeTexts(preview: Exclude<Preview, { kind: "line" }>): string[] {
  switch (preview.kind) {
    case "surface":
      return [
        rangeText(preview.xLabel, preview.bounds[0]),
        rangeText(preview.yLabel, preview.bounds[1]),
        rangeText(preview.zLabel, spanOf(known(preview.z))),
      ];
    case "points":
      return [
        ...preview.labels.map((label, i) => rangeText(label, preview.bounds[i] ?? [0, 1])),
        rangeText(preview.valueLabel, spanOf(known(preview.value))),
      ];
    case "histogram":
      return [
        `a histogram of ${plural(preview.counts.length, "bin")}`,
        rangeText(preview.xLabel, spanOf(known(preview.edges))),
      ];
    case "sequence":
      return [`${formatCount(preview.npoints)} of ${plural(preview.total, "entry", "entries")}`];
    case "balancing":
      return [`${preview.children.length} of its ${plural(preview.total, "learner")}`];
  }
}

function rangeText(label: string, [low, high]: readonly [number, number]): string {
  return `${label} from ${formatNumber(low)} to ${formatNumber(high)}`;
}

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);

/** The data of a plot as a table. */
export interface PreviewTable {
  columns: readonly string[];
  /** Column by column. */
  values: readonly (readonly (number | string | null)[])[];
}

export function previewTable(preview: SimplePreview): PreviewTable {
  switch (preview.kind) {
    case "line": {
      const errors = preview.errors
        ? { label: ["standard error"], values: [preview.errors] }
        : { label: [], values: [] };
      return {
        columns: [preview.xLabel, ...componentLabels(preview), ...errors.label],
        values: [...curveData(preview), ...errors.values],
      };
    }
    case "surface":
      return {
        columns: [preview.xLabel, preview.yLabel, preview.zLabel],
        values: [preview.x, preview.y, preview.z],
      };
    case "points":
      return {
        columns: [...preview.x.map((_, i) => preview.labels[i] ?? `x[${i}]`), preview.valueLabel],
        values: [...preview.x, preview.value],
      };
    case "histogram":
      return {
        columns: [`${preview.xLabel} from`, "to", "samples"],
        values: [preview.edges.slice(0, -1), preview.edges.slice(1), preview.counts],
      };
    case "sequence":
      return { columns: ["index", "value"], values: [preview.index, preview.texts] };
  }
}
