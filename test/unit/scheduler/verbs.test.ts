import { expect, test } from "vitest";
import { wordsOnChange } from "../../../src/scheduler/commandLine/learners";
import { Verbs } from "../../../src/scheduler/verbs";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { asJobId, asLearnerId, type LearnerId } from "../../../src/scheduler/state/rows";
import { settingsOf } from "../../../src/scheduler/state/settings";
import { createRunOnDisk, defaultSettings, openStore } from "./runFixture";

const job = asJobId("1_1");

/** Learner 0 is running, 1 has failed, 2 is done, 3 and 4 wait. */
async function openVerbs() {
  const store = await openStore(await createRunOnDisk(5));
  const request = { job, restart: 0, instance: "i", instances: 1, host: "n1", npointsBefore: 0 };
  const end = { job, requestNumber: null, npoints: 1, loss: null };
  const assign = (id: number) =>
    store.record({
      kind: "learnerAssigned",
      ...request,
      learner: asLearnerId(id),
      epoch: 1,
      revision: "r",
      requestNumber: id + 1,
    });
  const jobs = [{ id: job, name: "study-1_1" }];
  store.record({ kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs });
  for (const id of [1, 2, 0]) assign(id);
  const failed = { how: "failed", state: "failed", reason: "e", failures: 3, fruitlessJobs: 0, error: "e" } as const;
  store.record({ kind: "learnerReleased", learner: asLearnerId(1), ...failed, ...end });
  store.record({ kind: "learnerDone", learner: asLearnerId(2), ...end });
  const wished: (LearnerId | undefined)[] = [];
  const cancelled: unknown[] = [];
  const activities: unknown[] = [];
  const verbs = new Verbs({
    store,
    loop: { poke: () => undefined, cancel: async (what) => void cancelled.push(what) },
    wish: (learner) => wished.push(learner),
    onDidChangeActivity: (activity) => activities.push(activity),
    onDidConfigure: () => undefined,
    check: async (configuration) => {
      if (settingsOf(configuration).python === "no-pandas")
        throw new AdaptiveError("no-dataframes", "It has no pandas.");
    },
  });
  const states = () => [...store.model.learners.values()].map(({ state }) => state);
  return { store, verbs, states, wished, cancelled, activities };
}

const all = { learners: [0, 1, 2, 3, 4, 99] };

test("retrying moves the failed and stopped, and nobody else", async () => {
  const { verbs, states, store } = await openVerbs();
  expect(await verbs.retryLearners(all)).toEqual({ moved: 1 });
  expect(states()).toEqual(["running", "waiting", "done", "waiting", "waiting"]);
  expect(store.model.learner(asLearnerId(1)).failures).toBe(0);
});

test("a command is answered when it is on disk, also when somebody else has just asked for the same", async () => {
  const { verbs, store, activities } = await openVerbs();
  const first = verbs.pauseJobs();
  const { seq } = store.model.run;
  await verbs.pauseJobs();
  expect(store.position.seq).toBeGreaterThanOrEqual(seq);
  await first;
  expect(activities).toEqual(["paused"]);
});

test("reopening moves the done, and nobody else", async () => {
  const { verbs, states, store } = await openVerbs();
  expect(await verbs.reopenLearners(all)).toEqual({ moved: 1 });
  expect(states()).toEqual(["running", "failed", "waiting", "waiting", "waiting"]);
  expect(store.model.learner(asLearnerId(2)).isDone).toBe(0);
});

test("stopping learners stops those that wait, and has the running ones saved first", async () => {
  const { verbs, states, wished, store } = await openVerbs();
  expect(await verbs.stopLearners({ learners: [0, 2, 3] })).toEqual({ moved: 2 });
  expect(states()).toEqual(["running", "failed", "done", "stopped", "waiting"]);
  expect(wished[0]).toBe(0);
  expect(store.model.learner(asLearnerId(0)).isStopping).toBe(1);
});

test("the activity changes once, and the workers are told", async () => {
  const { verbs, store, wished, activities } = await openVerbs();
  await verbs.stopJobs({ gently: true });
  await verbs.stopJobs({ gently: true });
  expect(store.model.run).toMatchObject({ activity: "stopped", stopsGently: 1 });
  await verbs.startJobs();
  await verbs.pauseJobs();
  expect(activities).toEqual(["stopped", "active", "paused"]);
  expect(wished).toEqual([undefined, undefined, undefined]);
});

test("cancelling asks for live jobs only", async () => {
  const { verbs, cancelled } = await openVerbs();
  await verbs.cancelJobs({ jobs: ["1_1", "9_9"] });
  await verbs.cancelJobs({ jobs: ["9_9"] });
  expect(cancelled).toEqual([{ jobs: ["1_1"], force: false }]);
});

test("settings are taken when they are whole", async () => {
  const { verbs, store } = await openVerbs();
  const settings = JSON.stringify({ ...defaultSettings, maxJobs: 7 });
  await verbs.configure({ settings, origins: "{}" });
  expect(settingsOf(store.model.run).maxJobs).toBe(7);
  await expect(verbs.configure({ settings: "{}", origins: "{}" })).rejects.toThrow();
  const undoable = JSON.stringify({ ...JSON.parse(settings), python: "no-pandas" });
  await expect(verbs.configure({ settings: undoable, origins: "{}" })).rejects.toThrow("It has no pandas.");
  expect(settingsOf(store.model.run).maxJobs).toBe(7);
});

test("a name that means no learner, in whatever state, is refused; one of another state is passed over", async () => {
  const { verbs } = await openVerbs();
  const find =
    (...names: string[]) =>
    () =>
      verbs.findLearners({ names, states: ["failed"], where: "" });
  expect(find()()).toEqual({ learners: [1] });
  expect(find("1", "data/*", "data/2")()).toEqual({ learners: [1] });
  expect(find("data/2")()).toEqual({ learners: [] });
  expect(find("1", "77")).toThrow("There is no learner 77: the run has learners 0 to 4.");
  expect(find("data/1", "zzz*")).toThrow("No learner matches zzz*.");
  expect(find("data/9", "1")).toThrow("There is no learner data/9");
});

test("what became of learners is said, also when it is nothing, and when nothing comes of it", () => {
  const [all, some] = [
    { names: [], where: "" },
    { names: ["0"], where: "" },
  ];
  expect(wordsOnChange("retry", 0, all, "active", "/a")).toBe("Nothing to retry: no learner is failed or stopped.");
  expect(wordsOnChange("reopen", 0, some, "active", "/a")).toBe(
    "Nothing to reopen: none of the learners that are meant is done.",
  );
  expect(wordsOnChange("retry", 1, some, "active", "/a")).toBe("1 learner set to waiting again.");
  expect(wordsOnChange("stop-learner", 2, all, "paused", "/a")).toBe("2 learners stopped; what runs is saved first.");
  for (const activity of ["paused", "stopped"] as const) {
    expect(wordsOnChange("reopen", 2, all, activity, "/a b")).toBe(
      `2 learners opened again. The run is ${activity}: nothing runs until adaptive-scheduler start '/a b'`,
    );
  }
});
