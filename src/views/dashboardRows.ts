import type { Overview } from "../remote/replica/queries";
import type { LearnerRow, Trial } from "../scheduler/state/rows";
import { fileNames, learnerLabel, parametersOf } from "./format";
import type { ShownLearner, ShownRunNumbers } from "./messages";

const maxParameters = 16;
const longestFname = 300;

/** What the page needs of a learner's row. */
export function shownLearner(row: LearnerRow): ShownLearner {
  const { id, type, state, reason, error, failures, npoints, loss, changedAt } = row;
  return {
    id,
    label: learnerLabel(row),
    parameters: parametersOf(row.combo)
      .slice(0, maxParameters)
      .map(([name, value]) => [name, value]),
    fname: fileNames(row.fname).slice(0, longestFname),
    type,
    state,
    reason,
    error,
    failures,
    npoints,
    loss,
    remark: row.remark,
    trial: row.trial === null ? null : (JSON.parse(row.trial) as Trial),
    job: row.jobId ?? row.lastJobId,
    changedAt,
  };
}

export function shownNumbers({ run, learners, jobs, npoints }: Overview): ShownRunNumbers {
  return { name: run.name, cluster: run.cluster, activity: run.activity, learners, jobs, npoints };
}
