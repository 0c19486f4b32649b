import { describe, expect, test } from "vitest";
import type { QueuedJob } from "../../../src/scheduler/clusters/cluster";
import { Attendance } from "../../../src/scheduler/jobs/attendance";
import type { Circumstances } from "../../../src/scheduler/jobs/circumstances";
import { decide } from "../../../src/scheduler/jobs/decide";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { assigned, defaultSettings, firstChanges } from "./runFixture";

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
const listed = (id: string, state: QueuedJob["state"], exitCode: number | null = null): QueuedJob => ({
  id,
  name: `s-${id}`,
  submission: Number(id.split("_")[0]),
  state,
  restart: 0,
  host: "n1",
  walltimeSeconds: null,
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

/** Decides with a queue whose listing is exact, unless the test says what is gone. */
function decideOn(model: Model, more: Partial<Circumstances> = {}) {
  const { listing = [] } = more;
  const attendance = new Attendance(true);
  if (listing) attendance.takeIn({ jobs: listing, at: 1000 }, model);
  const ends = new Map((listing ?? []).map(({ id, end }) => [id, end]));
  const gone = [...model.liveJobs].filter((job) => attendance.isGone(job, 0, 0, 0));
  const unresolved = [...model.submissions.values()].filter(({ state }) => state === "submitting");
  return decide(model, {
    settings: { ...defaultSettings, maxJobs: 100 },
    sharedCores: 4,
    listing,
    gone: new Map(gone.map((job) => [job, { own: null, told: ends.get(job) ?? null }])),
    lost: unresolved.map(({ submission }) => submission).filter((number) => attendance.isGone(number, 0, 0, 0)),
    inFlight: new Set(),
    progress: () => ({ npoints: 5, loss: 0.1 }),
    heardAt: () => 0,
    allowedSeconds: () => null,
    now: 1000,
    ...more,
  });
}

describe("submitting", () => {
  const settings = { ...defaultSettings, maxJobs: 3 };
  test.each([
    ["as many jobs as fit", modelAfter(10), {}, 4],
    ["no more jobs than learners", modelAfter(2), {}, 2],
    ["no more than maxJobs", modelAfter(10), { settings }, 3],
    [
      "jobs of several cores, as many as fit",
      modelAfter(10),
      { settings: { ...settings, resources: { ...settings.resources, cores: 2 } } },
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
    expect(decideOn(model, { ...more, listing }).submit[0]?.count ?? 0).toBe(count);
  });

  describe("before a job has asked for a learner", () => {
    const settings = { ...defaultSettings, maxJobs: 64 };
    const died = (id: string, deathsBeforeStart: number): NewChange => {
      return { kind: "jobEnded", job: asJobId(id), exitCode: 1, ending: "exit", reason: "", deathsBeforeStart };
    };
    const queued: NewChange = {
      kind: "jobObserved",
      job: asJobId("1_1"),
      state: "queued",
      host: null,
      startedAt: null,
      reason: null,
    };
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
      [
        "risks the rest of the handful after jobs that found other learners",
        [...submission(1, 5), assigned("1_1", 0), { kind: "studyMismatched", job: asJobId("1_2"), mismatches: 1 }],
        0,
      ],
      ["submits the others once one asks", [...submission(1, 5), assigned("1_1", 0)], 59],
    ])("%s", (_, changes, count) => {
      expect(
        decideOn(modelAfter(100, ...changes), { settings, sharedCores: null, listing: null }).submit[0]?.count ?? 0,
      ).toBe(count);
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
    expect(decideOn(model, { listing: null }).submit).toEqual([]);
    expect(decideOn(model, { inFlight: new Set([1]), lost: [] })).toMatchObject({ submit: [], changes: [] });
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
    expect(decideOn(model, { listing: [listed("1_1", "running")] }).submit[0]?.count).toBe(1);
  });
});

describe("of several classes", () => {
  const classes = [{ name: "large", where: "n>1", resources: { cores: 2, walltime: "1:00:00" } }];
  const settings = { ...defaultSettings, maxJobs: 6, classes };
  const slurm = { settings, sharedCores: null, listing: null };
  const large = (...ids: number[]): NewChange => {
    return { kind: "learnersClassed", learners: ids.map(asLearnerId), resourceClass: "large" };
  };
  const ofLarge = (number: number, count: number): NewChange[] =>
    submission(number, count).map((change) => ({ ...change, resourceClass: "large" }) as NewChange);
  const died = (id: string): NewChange => {
    return { kind: "jobEnded", job: asJobId(id), exitCode: 1, ending: "exit", reason: "", deathsBeforeStart: 0 };
  };
  const submitOn = (model: Model, more: Partial<Circumstances> = {}) =>
    Object.fromEntries(
      decideOn(model, { ...slurm, ...more }).submit.map(({ resourceClass, count }) => [resourceClass, count]),
    );

  test.each<[string, NewChange[], Record<string, number>]>([
    ["each gets jobs for its learners", [large(9)], { default: 4, large: 1 }],
    ["together they risk a handful", [large(5, 6, 7, 8, 9)], { default: 3, large: 2 }],
    [
      "jobs of one are none of the other's",
      [large(8, 9), ...submission(1, 3), assigned("1_1", 0)],
      { default: 1, large: 2 },
    ],
    ["who has the fewest comes first", [large(5, 6, 7, 8, 9), ...submission(1, 5), assigned("1_1", 0)], { large: 1 }],
    ["none is submitted for whom nobody waits", [large(), ...ofLarge(1, 1)], { default: 4 }],
    [
      "a class whose jobs die is risked no more, whatever others do",
      [
        large(5, 6, 7, 8, 9),
        ...submission(1, 2),
        assigned("1_1", 0),
        ...ofLarge(2, 5),
        ...[1, 2, 3, 4].map((i) => died(`2_${i}`)),
      ],
      { default: 3 },
    ],
  ])("%s", (_, changes, orders) => {
    expect(submitOn(modelAfter(10, ...changes))).toEqual(orders);
  });

  test("the last place goes round", () => {
    const more = { settings: { ...settings, maxJobs: 1 } };
    const changes = [large(1), ...submission(1, 1), assigned("1_1", 0), died("1_1")];
    expect(submitOn(modelAfter(3, large(1)), more)).toEqual({ default: 1 });
    expect(submitOn(modelAfter(3, ...changes), more)).toEqual({ large: 1 });
    expect(submitOn(modelAfter(3, ...changes, ...ofLarge(2, 1), died("2_1")), more)).toEqual({ default: 1 });
  });

  test("here they share the cores", () => {
    const model = modelAfter(10, large(5, 6, 7, 8, 9));
    expect(submitOn(model, { sharedCores: 5 })).toEqual({ default: 3, large: 1 });
    expect(submitOn(modelAfter(2, large(0, 1)), { sharedCores: 1 })).toEqual({});
  });

  test("five of one that end without having asked pause the run, whatever others do", () => {
    const firstFour = ["2_1", "2_2", "2_3", "2_4"].map(died);
    const model = modelAfter(9, large(8), ...submission(1, 1), assigned("1_1", 0), ...ofLarge(2, 5), ...firstFour);
    const listing = [listed("1_1", "running"), listed("2_5", "ended", 1)];
    const { changes, submit } = decideOn(model, { ...slurm, listing });
    expect(changes.at(-1)).toMatchObject({
      activity: "paused",
      reason: "The last 5 jobs of the class large ended before they asked for a learner; nothing more is submitted.",
    });
    expect(submit).toEqual([]);
  });

  test("those in the queue for whom nobody of their class waits are cancelled, the others not", () => {
    const queued = ["1_1", "1_2", "2_1", "2_2"].map((id) => listed(id, "queued"));
    const observed = queued.map(({ id }): NewChange => {
      return { kind: "jobObserved", job: asJobId(id), state: "queued", host: null, startedAt: null, reason: null };
    });
    const model = modelAfter(3, large(2), ...submission(1, 2), ...ofLarge(2, 2), ...observed);
    expect(decideOn(model, { ...slurm, listing: queued }).cancel).toEqual({ jobs: ["2_2"], force: false });
  });

  test("the walltime of its own tells why a job ended", () => {
    const model = modelAfter(
      2,
      large(1),
      ...submission(1, 1),
      ...ofLarge(2, 1),
      ...["1_1", "2_1"].map((id): NewChange => {
        return { kind: "jobObserved", job: asJobId(id), state: "running", host: "n1", startedAt: 0, reason: null };
      }),
    );
    const { changes } = decideOn(model, { ...slurm, listing: [], now: 3_600_000 });
    expect(changes.map((change) => change.kind === "jobEnded" && change.ending)).toEqual(["lost", "walltime"]);
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
    expect(submit[0]?.count).toBe(2);
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
        ending: "exit" as const,
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
    expect(submit).toEqual([]);
  });
});

test("what the queue says of a job is noted once", () => {
  const model = modelAfter(1, ...submission(1, 1));
  const { changes } = decideOn(model, { listing: [listed("1_1", "running")] });
  expect(changes).toEqual([
    { kind: "jobObserved", job: "1_1", state: "running", host: "n1", startedAt: 1000, reason: null },
  ]);
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
    expect(decideOn(modelAfter(2, ...tried), { listing: [listed("1_1", "running")] }).submit[0]?.count).toBe(2);
    expect(decideOn(modelAfter(2, ...tried), { listing: [listed("1_1", "ended", 0)] }).changes).toMatchObject([
      { kind: "pointsTried", learners: [0, 1] },
      { kind: "jobEnded", deathsBeforeStart: 0 },
    ]);
  });

  test("that ends without a word about some says so for these", () => {
    const told: NewChange = {
      kind: "pointsTried",
      learners: [asLearnerId(0)],
      trials: [JSON.stringify({ job: "1_1" })],
    };
    const { changes } = decideOn(modelAfter(2, ...tried, told), { listing: [listed("1_1", "ended", 1)] });
    expect(changes[0]).toMatchObject({ kind: "pointsTried", learners: [1] });
    expect(JSON.stringify(changes[0])).toContain("ended with exit code 1 before it could tell");
  });

  test("is told by its own trials, whatever the clock said of earlier ones", () => {
    const earlier = JSON.stringify({ job: "0_1", at: 9e15 });
    const told: NewChange = { kind: "pointsTried", learners: [asLearnerId(0)], trials: [earlier] };
    const { changes } = decideOn(modelAfter(2, ...tried, told), { listing: [listed("1_1", "ended", 1)] });
    expect(changes[0]).toMatchObject({ kind: "pointsTried", learners: [0, 1] });
  });

  test("runs on in a run that was stopped before it began, and is cancelled by a later stop", () => {
    const stop: NewChange = { kind: "activityChanged", activity: "stopped", stopsGently: 0, reason: "" };
    const listing = [listed("1_1", "running")];
    expect(decideOn(modelAfter(1, stop, ...tried), { listing }).cancel).toBeNull();
    expect(decideOn(modelAfter(1, ...tried, stop), { listing }).cancel).toMatchObject({ jobs: ["1_1"] });
  });
});

/** A model whose jobs 1_1 … are listed as running since 0. */
const runningSince0 = (learners: number, count: number, ...more: NewChange[]) =>
  modelAfter(
    learners,
    ...submission(1, count),
    ...Array.from({ length: count }, (_, i): NewChange => ({
      kind: "jobObserved",
      job: asJobId(`1_${i + 1}`),
      state: "running",
      host: "n1",
      startedAt: 0,
      reason: null,
    })),
    ...more,
  );
const allRunning = (count: number) => Array.from({ length: count }, (_, i) => listed(`1_${i + 1}`, "running"));
const minutes = (count: number) => count * 60_000;

describe("a job that the queue has started anew", () => {
  const anew = { ...listed("1_1", "queued"), restart: 1 };

  test("gives its learner back, and counts as one that has yet to ask", () => {
    const model = runningSince0(1, 1, assigned("1_1", 0));
    const { changes, submit } = decideOn(model, { listing: [anew] });
    expect(changes).toMatchObject([
      { kind: "learnerReleased", how: "cut short", state: "waiting", failures: 0 },
      { kind: "jobRequeued", job: "1_1", restart: 1 },
    ]);
    changes.forEach((change) => model.apply(effects({ ...change, seq: 99, time: 0 })));
    expect(model.job(asJobId("1_1"))).toMatchObject({ state: "queued", learnerId: null, hasAsked: 0, startedAt: null });
    expect(submit).toEqual([]);
    expect(decideOn(model, { listing: [anew] })).toMatchObject({ submit: [], cancel: null });
  });
});

describe("a job that runs and never asks", () => {
  test("is told of after ten minutes and cancelled after twenty", () => {
    const model = runningSince0(1, 1);
    expect(decideOn(model, { listing: allRunning(1), now: minutes(9) }).changes).toEqual([]);
    const { changes, cancel } = decideOn(model, { listing: allRunning(1), now: minutes(11) });
    expect(changes).toMatchObject([{ kind: "jobObserved", reason: "has never asked for a learner" }]);
    expect(cancel).toBeNull();
    expect(decideOn(model, { listing: allRunning(1), now: minutes(21) }).cancel).toEqual({
      jobs: ["1_1"],
      force: false,
    });
  });

  test("as the first five do, pauses the run; then they are cancelled", () => {
    const model = runningSince0(9, 5);
    const { changes, submit } = decideOn(model, { listing: allRunning(5), now: minutes(11) });
    expect(changes.at(-1)).toMatchObject({ kind: "activityChanged", activity: "paused" });
    expect(submit).toEqual([]);
    changes.forEach((change) => model.apply(effects({ ...change, seq: 99, time: 0 })));
    expect(decideOn(model, { listing: allRunning(5), now: minutes(12) }).cancel?.jobs).toHaveLength(5);
  });

  test("pauses nothing when others do ask", () => {
    const model = runningSince0(9, 6, assigned("1_6", 0));
    const { changes } = decideOn(model, { listing: allRunning(6), now: minutes(11), heardAt: () => minutes(11) });
    expect(changes.map(({ kind }) => kind)).not.toContain("activityChanged");
  });
});

test("a job that holds a learner and is not heard of is shown, and keeps it", () => {
  const model = runningSince0(1, 1, assigned("1_1", 0));
  const decision = decideOn(model, { listing: allRunning(1), now: minutes(31) });
  expect(decision.changes).toMatchObject([{ kind: "jobObserved", reason: "has not been heard of for half an hour" }]);
  expect(decision.cancel).toBeNull();
});

test("a job that can never start pauses the run in the queue's words, and is cancelled", () => {
  const model = modelAfter(3, ...submission(1, 2));
  const waits = { waitsFor: "its walltime is over the limit of the partition", isHopeless: true };
  const listing = [{ ...listed("1_1", "queued"), ...waits }, listed("1_2", "running")];
  const { changes, cancel, submit } = decideOn(model, { listing });
  expect(changes.at(-1)).toMatchObject({
    activity: "paused",
    reason: "Job 1_1 can never start: its walltime is over the limit of the partition.",
  });
  expect(cancel).toEqual({ jobs: ["1_1"], force: false });
  expect(submit).toEqual([]);
  model.apply(effects({ kind: "jobCancelled", job: asJobId("1_1"), seq: 98, time: 1000 }));
  expect(decideOn(model, { listing }).changes.map(({ kind }) => kind)).not.toContain("activityChanged");
});

describe("jobs in the queue that are not needed any more", () => {
  const queued = (count: number): NewChange[] =>
    Array.from({ length: count }, (_, i) => ({
      kind: "jobObserved",
      job: asJobId(`1_${i + 1}`),
      state: "queued",
      host: null,
      startedAt: null,
      reason: null,
    }));
  const listing = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...listed(`1_${i + 1}`, "queued"), host: null }));

  test.each([
    ["no learner is left for them", 1, { maxJobs: 10 }, ["1_2", "1_3"]],
    ["fewer are allowed than there are", 5, { maxJobs: 2 }, ["1_3"]],
    ["each has a learner to come", 3, { maxJobs: 10 }, []],
  ])("are cancelled, the newest first: %s", (_, learners, { maxJobs }, cancelled) => {
    const model = modelAfter(learners, ...submission(1, 3), ...queued(3));
    const settings = { ...defaultSettings, maxJobs };
    expect(decideOn(model, { listing: listing(3), settings, sharedCores: null }).cancel?.jobs ?? []).toEqual(cancelled);
  });

  test("once cancelled are not counted on", () => {
    const model = modelAfter(3, ...submission(1, 3), ...queued(3), { kind: "jobCancelled", job: asJobId("1_3") });
    expect(decideOn(model, { listing: listing(3), sharedCores: null, now: 5 }).submit[0]?.count).toBe(1);
  });
});

test("jobs of a submission that was given up and comes after all are taken in", () => {
  const model = modelAfter(
    1,
    { kind: "jobsSubmitting", submission: 1, resourceClass: "default", count: 1, tries: null },
    { kind: "submissionRefused", submission: 1, reason: "it never reached the queue" },
  );
  const { changes, submit } = decideOn(model, { listing: [listed("1_1", "running")] });
  expect(changes[0]).toMatchObject({ kind: "jobsSubmitted", submission: 1, jobs: [{ id: "1_1" }] });
  expect(submit).toEqual([]);
});
