import type { LearnerRow } from "./rows";
import type { Goal } from "./settings";

/**
 * Whether a learner that is done misses a goal, by what was recorded of it: any entry that is met is
 * enough. Null when that cannot be told, because the goal is a function, a duration or a moment: the
 * learner itself finds out when it is started.
 */
export function missesGoal({ npoints, loss }: Pick<LearnerRow, "npoints" | "loss">, goal: Goal | null): boolean | null {
  if (goal === null) return null;
  if (goal.npoints !== undefined && npoints >= goal.npoints) return false;
  if (goal.loss !== undefined && loss !== null && loss <= goal.loss) return false;
  return goal.seconds === undefined && goal.endTime === undefined ? true : null;
}
