import type { JobView } from "../../../src/remote/replica/queries";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { asJobId, asLearnerId, type LearnerRow } from "../../../src/scheduler/state/rows";
import type { Trial } from "../../../src/scheduler/state/trial";
import type { TreeNode } from "../../../src/views/treeNodes";

/** A learner as it is before anything has happened to it. */
export function learnerRow(id: number, set: Partial<LearnerRow> = {}): LearnerRow {
  const combo = JSON.stringify({ offset: id / 10 });
  const described = { position: id, combo, type: "Learner1D", bounds: null, resourceClass: "default" };
  const learner = { id: asLearnerId(id), fname: `data/${id}.pickle`, ...described };
  return { ...rowOf<LearnerRow>("learners", { kind: "learnersAdded", learners: [learner] }), ...set };
}

/** What trying a point gave. */
export const goodTrial: Trial = {
  at: 5000,
  job: "1_1",
  point: "-1.0",
  value: "0.044",
  seconds: 0.01,
  megabytes: 35.4,
  error: null,
  traceback: null,
};

/** A job that has just been queued. */
export function jobView(id: string, set: Partial<JobView> = {}): JobView {
  const submission = Number(id.split("_")[0]);
  const jobs = [{ id: asJobId(id), name: `peaks-${id}` }];
  const submitted = { kind: "jobsSubmitted", submission, resourceClass: "default", jobs } as const;
  return { ...rowOf<JobView>("jobs", submitted), state: "queued", learner: null, ...set };
}

/** The row that a change makes in a table. */
function rowOf<Row>(table: "learners" | "jobs", change: NewChange): Row {
  return effects({ ...change, seq: 1, time: 0 }).find((patch) => patch.table === table)?.set as Row;
}

/** A line of a tree. */
export const leaf = (id: string, description = ""): TreeNode => ({
  ...{ id, label: id, description, tooltip: "", icon: null, context: "" },
  children: null,
});

/** One with others in it, open. */
export const group = (id: string, ...nodes: TreeNode[]): TreeNode => ({
  ...leaf(id),
  children: { isExpanded: true, nodes },
});
