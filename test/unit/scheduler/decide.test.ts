import { describe, expect, test } from "vitest";
import type { QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { decide, type Circumstances } from "../../../src/scheduler/jobs/decide";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { defaultSettings, firstChanges } from "./runFixture";

function modelAfter(learners: number, ...changes: NewChange[]): Model {
  const model = new Model();
  [...firstChanges(learners), ...changes].forEach((change, i) => {
    model.apply(effects({ ...change, seq: i + 1, time: i }));
  });
  return model;
}

const submission = (number: number, count: number): NewChange[] => [
  { kind: "jobsSubmitting", submission: number, resourceClass: "default", count, tries: null },
  {
    kind: "jobsSubmitted",
    submission: number,
    resourceClass: "default",
    jobs: Array.from({ length: count }, (_, i) => ({
      id: asJobId(`${number}_${i + 1}`),
      name: `s-${number}_${i + 1}`,
    })),
  },
];
const assigned = (job: string, learner: number): NewChange => ({
  kind: "learnerAssigned",
  learner: asLearnerId(learner),
  epoch: 1,
  revision: "r1",
  job: asJobId(job),
  restart: 0,
  instance: "i",
  instances: 1,
  requestNumber: 1,
  host: "n1",
  npointsBefore: 0,
});
const listed = (id: string, state: QueuedJob["state"], exitCode: number | null = null): QueuedJob => ({
  id,
  name: `s-${id}`,
  submission: Number(id.split("_")[0]),
  state,
  restart: 0,
  host: "n1",
  waitsFor: null,
  isHopeless: false,
  end: state === "ended" ? { exitCode, cause: null } : null,
});
const activity = (activity: "active" | "paused" | "stopped", stopsGently: 0 | 1 = 0): NewChange => ({
  kind: "activityChanged",
  activity,
  stopsGently,
  reason: null,
});

function decideOn(model: Model, more: Partial<Circumstances> = {}) {
  return decide(model, {
    settings: { ...defaultSettings, budget: 4, maxJobs: 100 },
    listing: [],
    inFlight: new Set(),
    progress: () => ({ npoints: 5, loss: 0.1 }),
    now: 1000,
    ...more,
  });
}

describe("submitting", () => {
  const settings = { ...defaultSettings, budget: 4, maxJobs: 3 };
  test.each([
    ["as many jobs as fit", modelAfter(10), {}, 4],
    ["no more jobs than learners", modelAfter(2), {}, 2],
    ["no more than maxJobs", modelAfter(10), { settings }, 3],
    [
      "jobs of several cores, as many as fit",
      modelAfter(10),
      { settings: { ...settings, resources: { cores: 2, walltime: null } } },
      2,
    ],
    ["without the queue's answer too: what is known is enough", modelAfter(10), { listing: null }, 4],
    ["what is missing only", modelAfter(10, ...submission(1, 3)), { listing: ["1_1", "1_2", "1_3"] }, 1],
    [
      "nothing for learners that queued jobs will take",
      modelAfter(2, ...submission(1, 2)),
      { listing: ["1_1", "1_2"] },
      0,
    ],
    ["nothing while paused", modelAfter(10, activity("paused")), {}, 0],
    ["nothing once stopped", modelAfter(10, activity("stopped")), {}, 0],
    ["nothing without learners", modelAfter(0), {}, 0],
  ])("%s", (_, model, more, count) => {
    const listing = "listing" in more && more.listing ? more.listing.map((id) => listed(id, "running")) : null;
    expect(decideOn(model, { ...more, listing }).submit?.count ?? 0).toBe(count);
  });

  describe("before a job has asked for a learner", () => {
    const settings = { ...defaultSettings, budget: 64, maxJobs: 64 };
    const died = (id: string, deathsBeforeStart: number): NewChange => {
      return { kind: "jobEnded", job: asJobId(id), exitCode: 1, reason: "", deathsBeforeStart };
    };
    const queued: NewChange = { kind: "jobObserved", job: asJobId("1_1"), state: "queued", host: null };
    test.each<[string, NewChange[], number]>([
      ["risks a handful", [], 5],
      ["risks no more while they have not asked", submission(1, 5), 0],
      [
        "replaces those that died by what is left of the handful",
        [...submission(1, 2), died("1_1", 1), died("1_2", 2)],
        3,
      ],
      ["risks no more with the last of the handful out", [...submission(1, 5), died("1_1", 1)], 0],
      ["does not wait where jobs wait in the queue", [...submission(1, 5), queued], 59],
      ["submits the others once one asks", [...submission(1, 5), assigned("1_1", 0)], 59],
    ])("%s", (_, changes, count) => {
      expect(decideOn(modelAfter(100, ...changes), { settings, listing: null }).submit?.count ?? 0).toBe(count);
    });
  });

  test("waits until it is known whether an earlier submission happened", () => {
    const model = modelAfter(10, {
      kind: "jobsSubmitting",
      submission: 1,
      resourceClass: "default",
      count: 4,
      tries: null,
    });
    expect(decideOn(model, { listing: null }).submit).toBeNull();
    expect(decideOn(model, { inFlight: new Set([1]) })).toMatchObject({ submit: null, changes: [] });
    expect(decideOn(model, { listing: [listed("1_1", "running")] }).changes).toMatchObject([
      { kind: "jobsSubmitted", submission: 1, jobs: [{ id: "1_1" }] },
    ]);
    expect(decideOn(model, { listing: [] }).changes).toMatchObject([{ kind: "submissionRefused", submission: 1 }]);
  });

  test("a job that was told there is nothing for it is not counted on", () => {
    const dismissed: NewChange = {
      kind: "jobDismissed",
      job: asJobId("1_1"),
      restart: 0,
      instance: "i",
      requestNumber: 1,
      host: "n1",
      why: "",
    };
    const model = modelAfter(1, ...submission(1, 1), dismissed);
    expect(decideOn(model, { listing: [listed("1_1", "running")] }).submit?.count).toBe(1);
  });
});

describe("a job that has ended", () => {
  const holding = () => modelAfter(2, ...submission(1, 1), assigned("1_1", 0));

  test.each([
    ["with an exit code", [listed("1_1", "ended", 1)], "ended with exit code 1", 1],
    ["by a signal", [listed("1_1", "ended", 138)], "was killed by signal 10", 1],
    ["killed", [listed("1_1", "ended", 137)], "was killed by signal 9: most often it had used up the memory", 1],
    [
      "by the end of a rank",
      [listed("1_1", "ended", 9)],
      "was killed by signal 9: most often it had used up the memory",
      1,
    ],
    ["without a trace", [listed("1_1", "ended")], "was killed, or its machine went down", 0],
    ["and is not listed any more", [], "was killed, or its machine went down", 0],
  ])("%s gives its learner back; only what it did itself is its failure", (_, listing, reason, failures) => {
    expect(decideOn(holding(), { listing }).changes).toMatchObject([
      {
        kind: "learnerReleased",
        learner: 0,
        state: "waiting",
        failures,
        npoints: 5,
        reason: `its job 1_1 ${reason}`,
      },
      { kind: "jobEnded", job: "1_1", reason, deathsBeforeStart: 0 },
    ]);
  });

  test("is replaced at once", () => {
    const { submit } = decideOn(holding(), { listing: [listed("1_1", "ended", 1)] });
    expect(submit?.count).toBe(2);
  });

  test("because a person cancelled it costs its learner nothing", () => {
    const model = modelAfter(1, ...submission(1, 1), assigned("1_1", 0), { kind: "jobCancelled", job: asJobId("1_1") });
    expect(decideOn(model, { listing: [] }).changes).toMatchObject([
      { kind: "learnerReleased", state: "waiting", failures: 0 },
      { kind: "jobEnded", reason: "was cancelled" },
    ]);
  });

  test("is not concluded from a queue that did not answer", () => {
    expect(decideOn(holding(), { listing: null }).changes).toEqual([]);
  });

  test("like five before it, without having asked, pauses the run", () => {
    const deaths = submission(1, 4).concat(
      ["1_1", "1_2", "1_3", "1_4"].map((id, i) => ({
        kind: "jobEnded",
        job: asJobId(id),
        exitCode: 1,
        reason: "",
        deathsBeforeStart: i + 1,
      })),
    );
    const model = modelAfter(10, ...deaths, ...submission(2, 2));
    const listing = [listed("2_1", "ended", 1), listed("2_2", "running")];
    const { changes, submit } = decideOn(model, { listing });
    expect(changes).toMatchObject([
      { kind: "jobEnded", deathsBeforeStart: 5 },
      { kind: "jobObserved", job: "2_2" },
      { kind: "activityChanged", activity: "paused" },
    ]);
    expect(submit).toBeNull();
  });
});

test("what the queue says of a job is noted once", () => {
  const model = modelAfter(1, ...submission(1, 1));
  const { changes } = decideOn(model, { listing: [listed("1_1", "running")] });
  expect(changes).toEqual([{ kind: "jobObserved", job: "1_1", state: "running", host: "n1" }]);
  changes.forEach((change) => model.apply(effects({ ...change, seq: 99, time: 0 })));
  expect(decideOn(model, { listing: [listed("1_1", "running")] }).changes).toEqual([]);
});

describe("a stopped run", () => {
  const stopping = (gently: 0 | 1 = 0) =>
    modelAfter(3, ...submission(1, 2), assigned("1_1", 0), activity("stopped", gently));
  const listing = [listed("1_1", "running"), listed("1_2", "running")];

  test("ends the jobs without a learner at once, and lets the others save", () => {
    expect(decideOn(stopping(), { listing }).cancel).toEqual({ jobs: ["1_2"], force: false });
  });

  test("ends the others when they had time to save, but not when it stops gently", () => {
    expect(decideOn(stopping(), { listing, now: 60_000 }).cancel?.jobs).toEqual(["1_1", "1_2"]);
    expect(decideOn(stopping(1), { listing, now: 60_000 }).cancel?.jobs).toEqual(["1_2"]);
  });

  test("kills what does not end", () => {
    const model = stopping();
    model.apply(effects({ kind: "jobCancelled", job: asJobId("1_2"), seq: 50, time: 1000 }));
    expect(decideOn(model, { listing, now: 2000 }).cancel).toBeNull();
    expect(decideOn(model, { listing, now: 20_000 }).cancel).toEqual({ jobs: ["1_2"], force: true });
  });
});

describe("a job that tries points", () => {
  const tried: NewChange[] = [
    { kind: "jobsSubmitting", submission: 1, resourceClass: "try", count: 1, tries: "[0,1]" },
    { kind: "jobsSubmitted", submission: 1, resourceClass: "try", jobs: [{ id: asJobId("1_1"), name: "s-1_1" }] },
  ];

  test("is nobody's capacity, and no death before start", () => {
    expect(decideOn(modelAfter(2, ...tried), { listing: [listed("1_1", "running")] }).submit?.count).toBe(2);
    expect(decideOn(modelAfter(2, ...tried), { listing: [listed("1_1", "ended", 0)] }).changes).toMatchObject([
      { kind: "pointsTried", learners: [0, 1] },
      { kind: "jobEnded", deathsBeforeStart: 0 },
    ]);
  });

  test("that ends without a word about some says so for these", () => {
    const told: NewChange = { kind: "pointsTried", learners: [asLearnerId(0)], trials: [JSON.stringify({ at: 9e15 })] };
    const { changes } = decideOn(modelAfter(2, ...tried, told), { listing: [listed("1_1", "ended", 1)] });
    expect(changes[0]).toMatchObject({ kind: "pointsTried", learners: [1] });
    expect(JSON.stringify(changes[0])).toContain("ended with exit code 1 before it could tell");
  });

  test("runs on in a run that was stopped before it began, and is cancelled by a later stop", () => {
    const stop: NewChange = { kind: "activityChanged", activity: "stopped", stopsGently: 0, reason: "" };
    const listing = [listed("1_1", "running")];
    expect(decideOn(modelAfter(1, stop, ...tried), { listing }).cancel).toBeNull();
    expect(decideOn(modelAfter(1, ...tried, stop), { listing }).cancel).toMatchObject({ jobs: ["1_1"] });
  });
});
