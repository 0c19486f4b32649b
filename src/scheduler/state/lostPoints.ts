import type { NewChange } from "./changes";
import { nounFor, plural } from "./counts";
import type { LearnerRow, RunRow } from "./rows";
import { remarkOf, withRemark } from "./runRemarks";

/** How far a learner is, as its job said last. */
export interface LearnerProgress {
  npoints: number;
  loss: number | null;
  /** Points that its data files have; undefined when its job has not said that. */
  saved?: number | undefined;
}

type PointsLost = Extract<NewChange, { kind: "pointsLost" }>;

/** That points of a learner are not in its data, now that nobody computes on it who has them; null when none are known to be. */
export function lossOf({ id, npointsBefore }: LearnerRow, { npoints, saved }: LearnerProgress): PointsLost | null {
  if (saved === undefined || saved >= npoints) return null;
  const lost = npoints - saved;
  return { kind: "pointsLost", learner: id, npoints: saved, npointsBefore: Math.min(npointsBefore, saved), lost };
}

/** What is left of its progress. */
export function withoutLoss(progress: LearnerProgress, loss: PointsLost | null): LearnerProgress {
  return loss ? { npoints: loss.npoints, loss: null } : progress;
}

/** Why it left its job, with what that cost. */
export function reasonWithLoss(reason: string, loss: PointsLost | null): string {
  return loss ? `${reason}; ${plural(loss.lost, "point")} that it had not saved ${isOrAre(loss.lost)} lost` : reason;
}

/** What the run has lost since its jobs were started last, in one remark; null when nothing was lost just now. */
export function remarkOnLosses(
  { remark }: Pick<RunRow, "remark">,
  changes: readonly NewChange[],
  saveEverySeconds: number,
): Extract<NewChange, { kind: "runRemarked" }> | null {
  const losses = changes.filter((change) => change.kind === "pointsLost");
  if (losses.length === 0) return null;
  const before = lossIn(remark) ?? { points: 0, times: 0 };
  const points = losses.reduce((sum, { lost }) => sum + lost, before.points);
  const times = before.times + losses.length;
  const words = [
    // Its beginning is read again, by `lossIn`.
    `Lost ${points} ${nounFor(points, "point")} of ${times} ${nounFor(times, "learner")} whose jobs ended before these were saved; they are computed again.`,
    `What a lost job costs at most is what its learner computes between two saves: to make that less than ${plural(saveEverySeconds, "second")}, set saveEverySeconds in adaptive.json and start the jobs again.`,
  ];
  return { kind: "runRemarked", remark: withRemark(remark, "lost", words.join(" ")) };
}

/** How much the remarks of a run say was lost, and how often a learner lost some. */
export function lossIn(remarks: string | null): { points: number; times: number } | null {
  const match = /^Lost (\d+) points? of (\d+) learners? /.exec(remarkOf(remarks, "lost") ?? "");
  return match && { points: Number(match[1]), times: Number(match[2]) };
}

const isOrAre = (count: number): string => nounFor(count, "is", "are");
