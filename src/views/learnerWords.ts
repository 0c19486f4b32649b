/** How a learner stands, in words: the same in the list, in its panel and in the tree. */
import { plural } from "../scheduler/state/counts";
import { clippedLine } from "./format";
import { stateStyles } from "./learnerStates";
import type { ShownLearner } from "./messages";

/** The longest that a row says of what is wrong; the whole is in the learner's panel. */
const longestTrouble = 120;

/** `waiting`, or `waiting, failed 2 times` of one that had jobs fail on it before. */
export function stateWords({ state, failures }: Pick<ShownLearner, "state" | "failures">): string {
  const word = stateStyles[state].label.toLowerCase();
  return failures > 0 && (state === "waiting" || state === "running") ? `${word}, failed ${times(failures)}` : word;
}

/** What is wrong with a learner, or why it is as it is, in a sentence; null when there is nothing to say. */
export function troubleWords({
  error,
  reason,
  failures,
}: Pick<ShownLearner, "error" | "reason" | "failures">): string | null {
  if (error === null) return reason;
  return failures === 0 ? error : `Failed ${times(failures)}: ${error}`;
}

/** The same in the space of a row. */
export function shortTrouble(text: string): string {
  return clippedLine(text, longestTrouble);
}

/** What is said where a learner has nothing to be drawn. */
export function noDataWords(
  { state, npoints, fname }: Pick<ShownLearner, "state" | "npoints" | "fname">,
  { why, isOnline }: { why: NoData | null; isOnline: boolean },
): string {
  if (npoints === 0) {
    if (state === "running") return "Waiting for its first points…";
    return state === "waiting" ? "No points yet: it waits for a job." : "No points yet.";
  }
  const points = plural(npoints, "point");
  if (!isOnline) return `Its data (${points}, in ${fname}) is drawn once the run is connected.`;
  if (why === null) return `Loading ${points}…`;
  // What a running learner has is drawn with its next report.
  if (state === "running") return `Its data (${points}) is drawn with the next one.`;
  const because = why.text === null ? `there is no ${fname}` : why.text;
  return `Its data (${points}, in ${fname}) cannot be drawn: ${because}`;
}

/** That there is nothing to be drawn, and why; null when no file is there. */
export interface NoData {
  text: string | null;
}

/** `once`, `2 times`. */
function times(count: number): string {
  return count === 1 ? "once" : plural(count, "time");
}
