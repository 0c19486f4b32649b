import uPlot from "uplot";
import { formatCount } from "../../scheduler/state/counts";
import { formatNumber } from "../format";

export interface PlotSeries {
  label: string;
  /**
   * `curve`: a line with its points; `bars`: of a histogram, each from its x to the next; `edge`: one
   * of two series that bound a band; `area` and `steps` are for what happens over time.
   */
  kind: "curve" | "bars" | "edge" | "area" | "steps";
}

export interface PlotDescription {
  series: readonly PlotSeries[];
  xLabel: string;
  yLabel: string;
  /** x is in seconds since the epoch. */
  isTime: boolean;
  /** What x spans while nobody has zoomed; null for what the data span. */
  xRange: readonly [number, number] | null;
  /** y counts something: it begins at zero, and its ticks are whole numbers. */
  startsAtZero: boolean;
  /** A value of x to mark by a line, e.g. a mean. */
  mark?: number | null;
}

/** The theme as a canvas needs it. */
export interface PlotTheme {
  foreground: string;
  grid: string;
  font: string;
  /** One for each series; told apart by their dashes too. */
  colors: readonly string[];
}

/** Between the ticks of counts: 1, 2, 5, 10, … */
const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();
const daySeconds = 86_400;
/** Between times, in seconds. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200].concat(
  [1, 2, 3, 7, 14, 30, 60, 180, 365].map((days) => days * daySeconds),
);

const dashes: readonly number[][] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

/** How uPlot is told to draw a plot. */
export function plotOptions(
  { series, xLabel, yLabel, isTime, xRange, startsAtZero, mark = null }: PlotDescription,
  { foreground, grid, font, colors }: PlotTheme,
  size: { width: number; height: number },
): uPlot.Options {
  const axis = {
    stroke: foreground,
    font,
    labelFont: font,
    labelGap: 2,
    labelSize: 18,
    gap: 4,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1, size: 4 },
  };
  const numbers = (_: uPlot, splits: number[]): string[] => splits.map(tickText);
  const times = ({ scales }: uPlot, splits: number[], _axis: number, _space: number, stepSeconds: number): string[] =>
    timeTexts(splits, { stepSeconds, spanSeconds: (scales["x"]?.max ?? 0) - (scales["x"]?.min ?? 0) });
  const edges = series.flatMap(({ kind }, i) => (kind === "edge" ? [i + 1] : []));
  const [upper, lower] = edges;
  const band = { fill: `color-mix(in srgb, ${colors[0] ?? foreground} 25%, transparent)` };
  const hasLegend = series.length - edges.length > 1;
  return {
    ...size,
    // Room for the legend, which stands above the curves, and for half a time of day at the right end.
    padding: [hasLegend ? 26 : 6, isTime ? 28 : 12, 0, 0],
    legend: { show: hasLegend, live: false },
    ...(upper === undefined || lower === undefined ? {} : { bands: [{ series: [upper, lower], ...band }] }),
    ...(mark === null ? {} : { hooks: { draw: [(plot: uPlot) => drawMark(plot, mark, foreground)] } }),
    cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    scales: {
      x: { time: isTime, range: (plot, min, max) => xScale(plot, [min, max], xRange) },
      y: { range: (_, min, max) => yScale(min, max, startsAtZero) },
    },
    axes: [
      {
        ...axis,
        size: 26,
        space: isTime ? 64 : 50,
        ...(isTime ? { incrs: timeSteps } : {}),
        ...(xLabel === "" ? {} : { label: xLabel }),
        values: isTime ? times : numbers,
      },
      {
        ...axis,
        ...(yLabel === "" ? {} : { label: yLabel }),
        values: numbers,
        // Of a low plot too one reads how much it is.
        space: size.height < 120 ? 12 : 30,
        ...(startsAtZero ? { incrs: wholeSteps } : {}),
        size: (_, values: string[] | null) => 14 + 6.5 * Math.max(2, ...(values ?? []).map((text) => text.length)),
      },
    ],
    series: [
      { label: xLabel },
      ...series.map(({ label, kind }, i): uPlot.Series => {
        const color = colors[i % colors.length] ?? foreground;
        const dash = dashes[i % dashes.length] ?? [];
        return {
          label,
          stroke: kind === "edge" ? "transparent" : color,
          dash,
          spanGaps: false,
          ...styleOf(kind, color),
        };
      }),
    ],
  };
}

/** The part of x that was chosen by zooming; null while x shows what it shows by itself. */
export function zoomOf(plot: uPlot, xRange: PlotDescription["xRange"]): { min: number; max: number } | null {
  const x = plot.data[0];
  const first = x[0];
  const last = x[x.length - 1];
  // Until it is first drawn, uPlot's scales are null.
  const { min = null, max = null } = plot.scales["x"] ?? {};
  if (first === undefined || last === undefined || min === null || max === null) return null;
  const [low, high] = xScale(plot, [first, last], xRange);
  return min === low && max === high ? null : { min, max };
}

function tickText(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e9 ? formatCount(value) : formatNumber(value);
}

/**
 * Times of day, with seconds where the ticks are that close; on an axis of more than a day the days where they begin.
 * A short axis may have a single tick: how far ticks would be apart says nothing then.
 */
export function timeTexts(
  splits: readonly number[],
  { stepSeconds, spanSeconds }: { stepSeconds: number; spanSeconds: number },
): string[] {
  const time: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  if (stepSeconds < 60) time.second = "2-digit";
  return splits.map((seconds) => {
    const at = new Date(seconds * 1000);
    const beginsDay = stepSeconds >= daySeconds || at.getHours() + at.getMinutes() === 0;
    return spanSeconds >= daySeconds && beginsDay
      ? at.toLocaleDateString([], { month: "short", day: "numeric" })
      : at.toLocaleTimeString([], time);
  });
}

/** Zoomed, what was chosen; else the given range or that of the data. */
function xScale(plot: uPlot, [min, max]: [number, number], xRange: PlotDescription["xRange"]): [number, number] {
  const x = plot.data[0];
  // Of a single point uPlot makes a range of its own.
  const isWhole = x.length < 2 || (min === x[0] && max === x[x.length - 1]);
  if (!isWhole) return [min, max];
  if (xRange !== null && xRange[0] < xRange[1]) return [xRange[0], xRange[1]];
  return min === max ? [min - 0.5, max + 0.5] : [min, max];
}

/** A little more than the data span; of counts all from zero on, and at least one. */
export function yScale(min: number | null, max: number | null, startsAtZero: boolean): [number, number] {
  if (min === null || max === null) return [0, 1];
  if (startsAtZero) return [0, Math.max(1, max * 1.06)];
  const margin = (max - min || Math.abs(max) || 1) * 0.06;
  return [min - margin, max + margin];
}

function drawMark(plot: uPlot, x: number, color: string): void {
  const { ctx, bbox } = plot;
  const at = Math.round(plot.valToPos(x, "x", true));
  ctx.save();
  ctx.strokeStyle = color;
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(at, bbox.top);
  ctx.lineTo(at, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

function styleOf(kind: PlotSeries["kind"], color: string): Partial<uPlot.Series> {
  switch (kind) {
    case "curve":
      return { width: 1.25, points: { show: true, size: 4, width: 0, fill: color } };
    case "bars": {
      const paths = uPlot.paths.bars?.({ align: 1, size: [1, Infinity], gap: 1 });
      return { width: 0, fill: color, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
    }
    case "edge":
      return { width: 1, points: { show: false } };
    case "area":
      return { width: 1.5, fill: `color-mix(in srgb, ${color} 18%, transparent)`, points: { show: false } };
    case "steps": {
      const paths = uPlot.paths.stepped?.({ align: 1 });
      return { width: 1.5, points: { show: false }, ...(paths === undefined ? {} : { paths }) };
    }
  }
}
