import fc from "fast-check";
import type { Change, NewChange } from "../../../src/scheduler/state/changes";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { firstChanges } from "../scheduler/runFixture";

/** Numbers changes without gaps, one a second. */
export function numbered(changes: readonly NewChange[]): Change[] {
  return changes.map((change, i) => ({ ...change, seq: i + 1, time: (i + 1) * 1000 }));
}

/** Any course a run of some learners and jobs may take, from its creation on. */
export const histories: fc.Arbitrary<Change[]> = fc
  .record({ learners: fc.integer({ min: 1, max: 12 }), jobs: fc.integer({ min: 1, max: 5 }) })
  .chain(({ learners, jobs }) =>
    fc
      .array(step(learners, jobs), { maxLength: 40 })
      .map((steps) => numbered([...firstChanges(learners), submitting(jobs), submitted(jobs), ...steps])),
  );

const jobName = (i: number) => asJobId(`job-${i}`);

export const submitting = (count: number): NewChange => ({
  kind: "jobsSubmitting",
  submission: 1,
  resourceClass: "default",
  count,
  tries: null,
});

export const submitted = (count: number): NewChange => ({
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: Array.from({ length: count }, (_, i) => ({ id: jobName(i), name: "study" })),
});

export const assigned = (learner: number, job: number, epoch = 1): NewChange => ({
  kind: "learnerAssigned",
  learner: asLearnerId(learner),
  epoch,
  revision: "r1",
  job: jobName(job),
  restart: 0,
  instance: "instance",
  instances: 1,
  requestNumber: epoch,
  host: "node",
  npointsBefore: 0,
});

export const done = (learner: number, job: number, npoints = 100, loss = 0.01): NewChange => ({
  kind: "learnerDone",
  learner: asLearnerId(learner),
  job: jobName(job),
  requestNumber: 2,
  npoints,
  loss,
});

export const ended = (job: number): NewChange => ({
  kind: "jobEnded",
  job: jobName(job),
  exitCode: 0,
  ending: "exit",
  reason: "finished",
  deathsBeforeStart: 0,
});

export const observed = (job: number): NewChange => ({
  kind: "jobObserved",
  job: jobName(job),
  state: "running",
  host: "node",
  startedAt: 1,
  reason: null,
});

function step(learners: number, jobs: number): fc.Arbitrary<NewChange> {
  const learner = fc.nat(learners - 1);
  const job = fc.nat(jobs - 1);
  const npoints = fc.nat(1000);
  const loss = fc.option(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));
  return fc.oneof(
    fc.tuple(learner, job, fc.nat(9)).map(([l, j, epoch]) => assigned(l, j, epoch)),
    fc.tuple(learner, job, npoints).map(([l, j, n]) => done(l, j, n)),
    fc.tuple(learner, job, npoints, loss).map(([l, j, n, lossValue]): NewChange => ({
      kind: "learnerReleased",
      learner: asLearnerId(l),
      job: jobName(j),
      requestNumber: 3,
      how: "failed",
      state: "failed",
      reason: "failed 3 times",
      failures: 3,
      fruitlessJobs: 0,
      error: "ZeroDivisionError",
      npoints: n,
      loss: lossValue,
    })),
    fc.uniqueArray(learner).map((ids): NewChange => ({
      kind: "learnersMoved",
      learners: ids.map(asLearnerId),
      state: "waiting",
      reason: "to be tried again",
    })),
    fc.tuple(learner, npoints, loss).map(([l, n, lossValue]): NewChange => ({
      kind: "progressNoted",
      learners: [asLearnerId(l)],
      npoints: [n],
      loss: [lossValue],
    })),
    learner.map((l): NewChange => ({ kind: "learnerRemarked", learner: asLearnerId(l), remark: "kept aside" })),
    learner.map((l): NewChange => ({ kind: "pointsTried", learners: [asLearnerId(l)], trials: ["{}"] })),
    fc.tuple(learner, npoints).map(([l, position]): NewChange => ({
      kind: "learnersRevised",
      learners: [
        { id: asLearnerId(l), position, combo: "{}", type: "Learner2D", bounds: "[]", resourceClass: "default" },
      ],
    })),
    job.map(observed),
    job.map(ended),
  );
}
