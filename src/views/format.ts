/** How values are written for a person: the same in the trees, the status bar and the dashboard. */
import { entriesOf, shownNumber, textOf } from "../scheduler/state/parameters";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const longestText = 100;
/** Parameters that name a learner; a study may have dozens. */
const labelParameters = 6;

/** A parameter of a learner, ready to be shown. */
export type Parameter = readonly [name: string, value: string | number | boolean | null];

/** The parameters in a learner's combo. */
export function parametersOf(combo: string): Parameter[] {
  return entriesOf(combo).map(([name, value]) => [name, scalar(value)]);
}

/** What a learner is called: its first parameters, `offset=0.51, alpha=2`, or else its data file. */
export function learnerLabel(learner: { combo: string; fname: string }): string {
  const parameters = parametersOf(learner.combo);
  if (parameters.length === 0) return clipped(fileNames(learner.fname));
  const first = parameters.slice(0, labelParameters).map(([name, value]) => `${name}=${formatValue(value)}`);
  return clipped([...first, ...(parameters.length > labelParameters ? ["…"] : [])].join(", "));
}

/** A learner's data file; of several the first, and how many there are: `data/a.pickle and 3 more`. */
export function fileNames(fname: string): string {
  const names = fname.startsWith("[") ? parsed(fname) : null;
  if (!Array.isArray(names) || typeof names[0] !== "string") return fname;
  return names.length === 1 ? names[0] : `${names[0]} and ${names.length - 1} more`;
}

export function formatValue(value: Parameter[1]): string {
  return typeof value === "number" ? formatNumber(value) : String(value ?? "–");
}

/** Six digits of what is no integer, as short as they can be: `0.51`, `1e-7`. */
export function formatNumber(value: number): string {
  return String(shownNumber(value));
}

/** Two digits, with an exponent where it helps to compare: `1.3e-2`, `0.45`, `12`. */
export function formatLoss(loss: number | null): string {
  if (loss === null) return "–";
  if (loss === 0) return "0";
  const size = Math.abs(loss);
  if (size < 0.1 || size >= 1000) return loss.toExponential(1);
  return size < 99.5 ? loss.toPrecision(2) : loss.toFixed(0);
}

/** A clock of elapsed time: `0:42`, `1:02:03`. */
export function formatElapsed(elapsedMs: number): string {
  const seconds = Math.max(0, Math.floor(elapsedMs / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const pad = (part: number): string => String(part).padStart(2, "0");
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** A rough length of time in words: `40 s`, `25 min`, `3 h`, `2 days`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < minuteMs) return `${Math.max(1, Math.round(durationMs / 1000))} s`;
  if (durationMs < 1.5 * hourMs) return `${Math.round(durationMs / minuteMs)} min`;
  if (durationMs < 2 * dayMs) return `${Math.round(durationMs / hourMs)} h`;
  return `${Math.round(durationMs / dayMs)} days`;
}

/** A moment as a clock shows it, with its day when that is another: `14:02`, `2026-01-31 14:02`. */
export function formatMoment(thenMs: number, nowMs: number): string {
  const [day, time] = localTime(thenMs);
  return day === localTime(nowMs)[0] ? time : `${day} ${time}`;
}

function localTime(ms: number): [day: string, time: string] {
  const at = new Date(ms);
  const pad = (part: number): string => String(part).padStart(2, "0");
  return [
    `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`,
    `${pad(at.getHours())}:${pad(at.getMinutes())}`,
  ];
}

/** The first line of a text, cut off where it is longer or where others follow. */
export function clippedLine(text: string, longest: number): string {
  const [line = ""] = text.split("\n");
  return line.length > longest || line.length < text.trimEnd().length ? `${line.slice(0, longest - 1)}…` : line;
}

/** With a full stop where a text does not end in a stop of its own. */
export function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** How long ago something was: `now`, `40 s ago`. Clocks of two machines differ, so the future is now. */
export function formatAgo(thenMs: number, nowMs: number): string {
  return nowMs - thenMs < 1000 ? "now" : `${formatDuration(nowMs - thenMs)} ago`;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function scalar(value: unknown): Parameter[1] {
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  return clipped(textOf(value));
}

function clipped(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}
