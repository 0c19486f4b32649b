import type { Overview } from "../remote/replica/queries";
import type { LearnerRow } from "../scheduler/state/rows";
import { fileNames, learnerLabel, parametersOf } from "./format";
import type { ShownLearner, ShownRunNumbers, ShownTrial } from "./messages";
import { freshTrial, inStudy, trialLine } from "./trialModel";

const maxParameters = 16;
const longestFname = 300;

/** What the page needs of a learner's row. */
export function shownLearner(row: LearnerRow): ShownLearner {
  const { id, type, resourceClass, state, reason, error, failures, remark, npoints, loss, changedAt } = row;
  return {
    id,
    label: learnerLabel(row),
    parameters: parametersOf(row.combo)
      .slice(0, maxParameters)
      .map(([name, value]) => [name, value]),
    fname: fileNames(row.fname).slice(0, longestFname),
    type,
    resourceClass,
    state,
    reason,
    error,
    failures,
    remark,
    npoints,
    loss,
    job: row.jobId ?? row.lastJobId,
    changedAt,
  };
}

/** What the page needs of the trial of a learner that is looked at; null when there is nothing new in it. */
export function shownTrial(row: LearnerRow): ShownTrial | null {
  const trial = freshTrial(row);
  if (trial === null) return null;
  const { at, error, traceback } = trial;
  return { at, line: trialLine(trial), hasFailed: error !== null, traceback: traceback && inStudy(traceback) };
}

export function shownNumbers({ run, learners, jobs, npoints }: Overview): ShownRunNumbers {
  const { name, cluster, activity, remark } = run;
  return { name, cluster, activity, remark, learners, jobs, npoints };
}
