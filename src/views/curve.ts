import type { LinePreview } from "../scheduler/workers/messages";
import { plural } from "../scheduler/state/counts";
import { formatLoss, formatNumber } from "./format";

/** What a plot library wants: x, sorted and without gaps, and then each component of y. */
export type CurveData = [x: number[], ...y: (number | null)[][]];

/** The data of a one-dimensional learner, without the points whose x is not finite. */
export function curveData({ x, y }: LinePreview): CurveData {
  const kept = x.flatMap((value, i) => (value === null ? [] : [i]));
  return [kept.map((i) => x[i] ?? 0), ...y.map((component) => kept.map((i) => component[i] ?? null))];
}

/** What each component of y is called. */
export function componentLabels({ y, yLabel }: LinePreview): string[] {
  return y.length === 1 ? [yLabel] : y.map((_, i) => `${yLabel}[${i}]`);
}

/** A curve in a sentence, for who does not see it. */
export function curveSummary(
  preview: LinePreview,
  learner: { label: string; npoints: number; loss: number | null; state: string },
): string {
  const [, ...components] = curveData(preview);
  const loss = learner.loss === null ? "" : `, loss ${formatLoss(learner.loss)}`;
  const [low, high] = preview.bounds.map(formatNumber);
  const labels = componentLabels(preview);
  const spans = components.map((component, i) => `${labels[i] ?? preview.yLabel} from ${spanOf(component)}`);
  return [
    `${learner.label}: ${learner.state}, ${plural(learner.npoints, "point")}${loss}`,
    `${preview.xLabel} from ${low} to ${high}`,
    ...spans,
  ].join("; ");
}

function spanOf(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "nothing finite";
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}
