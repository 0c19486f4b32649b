import type { Overview } from "../remote/replica/queries";
import type { Link } from "../remote/link";
import { formatCount, plural } from "../scheduler/state/counts";
import { clippedLine, formatMoment, sentence } from "./format";
import type { RunCondition } from "./runCondition";
import { statesInOrder, stateStyles } from "./learnerStates";
import { plain } from "./plain";

/** In the status bar there is little room; the tooltip has the whole. */
const longestCause = 60;

/** What is said of a link that is not up; null when there is nothing to say. */
export function linkText(link: Link, nowMs: number, sinceMs: number): string | null {
  switch (link.at) {
    case "online":
      return null;
    case "connecting":
      // A step may end in dots of its own.
      return `${link.step.replace(/[.…]+$/, "")}…`;
    case "offline":
      return `offline since ${formatMoment(link.since.getTime(), nowMs)}`;
    case "retrying": {
      const seconds = Math.ceil((sinceMs + link.nextInMs - nowMs) / 1000);
      return `${awayText(link, nowMs)}, ${seconds > 0 ? `retrying in ${seconds} s` : "retrying…"}`;
    }
    case "needsUser":
      return `needs you: ${link.what}`;
  }
}

/** What the tree says above what it shows of a run that is not connected; empty when it is. */
export function awayLine(link: Link, nowMs: number): string {
  if (link.at === "retrying") return sentence(`Not connected, ${awayText(link, nowMs)}`);
  return link.at === "offline" && !link.isCopied ? `The run is ${linkText(link, nowMs, nowMs) ?? ""}.` : "";
}

/** Why a run is not connected, and of when what is shown of it is: `as of 15:52: the connection was lost`. */
function awayText({ why, lastWordAt }: Extract<Link, { at: "retrying" }>, nowMs: number): string {
  const cause = clippedLine(why.replace(/\.$/, ""), longestCause);
  return lastWordAt === null ? cause : `as of ${formatMoment(lastWordAt, nowMs)}: ${cause}`;
}

/** The run in a few characters: `peaks 12▶ 3◷ 85✓ 1✗ · paused`. */
export function statusText(
  { run, learners }: Overview,
  link: string | null,
  condition: Pick<RunCondition, "word"> | null,
): string {
  const counts = [
    [learners.running, "▶"],
    [learners.waiting, "◷"],
    [learners.done, "✓"],
    [learners.failed, "✗"],
  ] as const;
  const shown = counts.filter(([count]) => count > 0).map(([count, sign]) => `${formatCount(count)}${sign}`);
  const stands = [condition?.word ?? null, link].flatMap((words) => (words === null ? [] : [`· ${plain(words)}`]));
  return [`$(graph-line) ${plain(run.name)}`, ...shown, ...stands].join(" ");
}

/** The run in lines, for who rests the pointer on it. */
export function statusTooltip({ run, learners, jobs, npoints }: Overview, cluster: string, why: string | null): string {
  const states = statesInOrder
    .filter((state) => learners[state] > 0)
    .map((state) => `${formatCount(learners[state])} ${stateStyles[state].label.toLowerCase()}`);
  return [
    `${run.name} on ${clusterName(cluster)}`,
    `Learners: ${states.join(", ")}`,
    `${plural(jobs.running, "job")} running, ${formatCount(jobs.queued + jobs.submitted)} queued`,
    plural(npoints, "point"),
    ...(why === null ? [] : [why]),
  ].join("\n");
}

/** Where the program is for who likes to type. */
export function terminalLine(command: string): string {
  return `In a terminal of this editor: adaptive-scheduler; elsewhere: ${command}`;
}

/** What tabs and terminals call a run: with its host, where that is not this computer. */
export function runTitle(name: string, cluster: string): string {
  return cluster === "local" ? name : `${name} on ${cluster}`;
}

export function clusterName(cluster: string): string {
  return cluster === "local" ? "this computer" : cluster;
}
