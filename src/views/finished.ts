import type { Overview } from "../remote/replica/queries";
import { plural } from "../scheduler/state/counts";
import { formatDuration, formatMoment } from "./format";
import type { ShownRunNumbers } from "./messages";

/** Whether a run has nothing left to do: all its learners have ended, for better or worse. */
export function isFinished({ learners }: Pick<Overview, "learners">): boolean {
  const ended = learners.done + learners.failed + learners.stopped;
  return ended > 0 && learners.waiting + learners.running + learners.blocked === 0;
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
