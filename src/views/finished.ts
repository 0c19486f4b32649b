import type { Overview } from "../remote/replica/queries";
import { plural } from "../scheduler/state/counts";
import { formatDuration, formatMoment } from "./format";
import type { ShownRunNumbers } from "./messages";

/** Whether a run has nothing left to do: all its learners have ended, for better or worse. */
export function isFinished({ learners }: Pick<Overview, "learners">): boolean {
  const ended = learners.done + learners.failed + learners.stopped;
  return ended > 0 && learners.waiting + learners.running + learners.blocked === 0;
}

/** What comes next in a finished run; null when it is not finished. */
export function whatNext({ finished, learners }: Pick<ShownRunNumbers, "finished" | "learners">): string | null {
  if (finished === null) return null;
  return (learners.failed ?? 0) > 0
    ? "Those that failed go on from their data, with the study as it is now."
    : "With a larger goal or more learners it goes on: Start Jobs.";
}

/** What became of a finished run: `Finished at 14:02, after 25 min: 84 done, 1 failed; 25 200 points.` */
export function finishedLine(
  { finished, learners, npoints }: Pick<ShownRunNumbers, "finished" | "learners" | "npoints">,
  nowMs: number,
): string | null {
  if (finished === null) return null;
  const { at, startedAt } = finished;
  const { done = 0, failed = 0, stopped = 0 } = learners;
  const after = startedAt === null ? "" : `, after ${formatDuration(at - startedAt)}`;
  const counts = [
    `${plural(done, "learner")} done`,
    failed === 0 ? "none failed" : `${plural(failed, "learner")} failed`,
    ...(stopped === 0 ? [] : [`${plural(stopped, "learner")} stopped`]),
    plural(npoints, "point"),
  ];
  return `Finished at ${formatMoment(at, nowMs)}${after}: ${counts.join(", ")}.`;
}
