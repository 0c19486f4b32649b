import type { JobView } from "../../../src/remote/replica/queries";
import { asJobId, asLearnerId, type LearnerRow } from "../../../src/scheduler/state/rows";

/** A learner as it is before anything has happened to it. */
export function learnerRow(id: number, set: Partial<LearnerRow> = {}): LearnerRow {
  return {
    id: asLearnerId(id),
    position: id,
    fname: `data/${id}.pickle`,
    combo: JSON.stringify({ offset: id / 10 }),
    type: "Learner1D",
    state: "waiting",
    reason: null,
    isDone: 0,
    jobId: null,
    isStopping: 0,
    lastJobId: null,
    epoch: 0,
    revision: null,
    failures: 0,
    error: null,
    npoints: 0,
    loss: null,
    changedAt: 0,
    ...set,
  };
}

/** A job that has just been queued. */
export function jobView(id: string, set: Partial<JobView> = {}): JobView {
  return {
    jobId: asJobId(id),
    name: `peaks-${id}`,
    state: "queued",
    resourceClass: "default",
    submission: Number(id.split("_")[0]),
    learnerId: null,
    host: null,
    submittedAt: 0,
    startedAt: null,
    endedAt: null,
    hasAsked: 0,
    cancelledAt: null,
    exitCode: null,
    reason: null,
    restart: 0,
    instance: null,
    requestNumber: 0,
    answer: null,
    instances: 0,
    learner: null,
    ...set,
  };
}
