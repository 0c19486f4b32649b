import { describe, expect, test } from "vitest";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { Store } from "../../../src/scheduler/state/store";
import { WorkerDesk } from "../../../src/scheduler/workers/desk";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { createRunOnDisk, defaultSettings, openStore } from "./runFixture";

const settings = { ...defaultSettings, goal: { npoints: 50 }, maxFailures: 2 };

async function openDesk(learners: number, jobs: number, givesWay = false) {
  const store = await openStore(await createRunOnDisk(learners, settings));
  submit(store, 1, jobs);
  await store.synced();
  const freed: true[] = [];
  const previews: unknown[] = [];
  const desk = new WorkerDesk(store, new ProgressBoard(store.model), Date.now, {
    givesWay: () => givesWay,
    onDidFree: () => freed.push(true),
    onDidPreview: (learner, preview) => previews.push({ learner, preview }),
    onDidFail: () => undefined,
    onDidRemark: () => undefined,
  });
  return { store, desk, freed, previews };
}

function submit(store: Store, submission: number, count: number, resourceClass = "default") {
  const jobs = Array.from({ length: count }, (_, i) => {
    const id = asJobId(`${submission}_${i + 1}`);
    return { id, name: `study-${id}` };
  });
  store.record({ kind: "jobsSubmitted", submission, resourceClass, jobs });
}

const from = (job: string, instance: string, n: number) => ({
  v: 1,
  job,
  restart: 0,
  instance,
  n,
  host: "n1",
  pid: 7,
});
const start = (job: string, instance: string, n: number) => ({
  ...from(job, instance, n),
  type: "start",
  resourceClass: "default",
  revision: "r1",
});
const said = (type: string, job: string, n: number, learner: number, epoch: number, more: object = {}) => ({
  ...from(job, `i-${job}`, n),
  type,
  learner,
  epoch,
  npoints: 10 * n,
  loss: 0.5,
  ...more,
});

describe("a job that asks for a learner", () => {
  test("gets the first that waits, with all it needs, and nobody else gets that one", async () => {
    const { desk, store } = await openDesk(2, 3);
    const replies = await Promise.all(["1_1", "1_2", "1_3"].map((job) => desk.answer(start(job, `i-${job}`, 1))));
    expect(replies).toEqual([
      {
        v: 1,
        n: 1,
        type: "assign",
        learner: 0,
        epoch: 1,
        index: 0,
        fname: "data/0",
        goal: { npoints: 50 },
        retries: 0,
        saveEverySeconds: 300,
        npoints: 0,
        loss: null,
        dataframe: null,
        wish: { stop: null, preview: false, reportEverySeconds: 1 },
      },
      expect.objectContaining({ type: "assign", learner: 1, index: 1 }),
      { v: 1, n: 1, type: "nothing", why: "no learner is waiting" },
    ]);
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "running", jobId: "1_1", revision: "r1" });
  });

  test("gets one of its class, or nothing", async () => {
    const { desk, store } = await openDesk(3, 1);
    submit(store, 2, 2, "large");
    store.record({ kind: "learnersClassed", learners: [asLearnerId(1)], resourceClass: "large" });
    const replies = await Promise.all(["2_1", "2_2", "1_1"].map((job) => desk.answer(start(job, `i-${job}`, 1))));
    expect(replies).toMatchObject([
      { type: "assign", learner: 1 },
      { type: "nothing", why: "no learner of the class large is waiting" },
      { type: "assign", learner: 0 },
    ]);
  });

  test("gets nothing when another class needs its place", async () => {
    const { desk, store } = await openDesk(2, 1, true);
    expect(await desk.answer(start("1_1", "a", 1))).toMatchObject({
      type: "nothing",
      why: "jobs of another class need its place",
    });
    expect(store.model.learnerCounts.waiting).toBe(2);
  });

  test("that runs keeps its learner when that gets another class; anew on another node it does not", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer(start("1_1", "a", 1));
    store.record({ kind: "learnersClassed", learners: [asLearnerId(0)], resourceClass: "large" });
    expect(await desk.answer(start("1_1", "b", 1))).toMatchObject({ type: "assign", learner: 0, epoch: 2 });
    const anew = await desk.answer({ ...start("1_1", "c", 1), restart: 1 });
    expect(anew).toMatchObject({ type: "assign", learner: 1 });
    expect(store.model.learner(asLearnerId(0)).state).toBe("waiting");
  });

  test("gets the same answer when it asks again, also after the scheduler has started anew", async () => {
    const { desk, store } = await openDesk(3, 2);
    const first = await desk.answer(start("1_1", "a", 1));
    expect(await desk.answer(start("1_1", "a", 1))).toEqual(first);
    await store.close();
    const heir = await openStore(store.directory);
    const newDesk = new WorkerDesk(heir, new ProgressBoard(heir.model), Date.now, {
      givesWay: () => false,
      onDidFree: () => undefined,
      onDidPreview: () => undefined,
      onDidFail: () => undefined,
      onDidRemark: () => undefined,
    });
    expect(await newDesk.answer(start("1_1", "a", 1))).toEqual(first);
    expect(heir.model.learnerCounts).toMatchObject({ running: 1, waiting: 2 });
  });

  test("keeps its learner with a new epoch when its process was started again, at most three times", async () => {
    const { desk, store } = await openDesk(1, 1);
    const epochs = [];
    for (const instance of ["a", "b", "c"]) {
      const reply = await desk.answer(start("1_1", instance, 1));
      epochs.push(reply?.type === "assign" && [reply.learner, reply.epoch]);
    }
    expect(epochs).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
    await desk.answer(start("1_1", "d", 1));
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ failures: 1 });
  });

  test("keeps its learner with a new epoch when the queue has started it anew, which is no failure", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer(start("1_1", "a", 1));
    const reply = await desk.answer({ ...start("1_1", "b", 1), restart: 1 });
    expect(reply).toMatchObject({ type: "assign", learner: 0, epoch: 2 });
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ failures: 0, fruitlessJobs: 1, state: "running" });
    expect(store.model.job(asJobId("1_1"))).toMatchObject({ restart: 1, instances: 1, learnerId: 0 });
  });

  test("from a node that the queue gave up before it started the job anew, is not known", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer({ ...start("1_1", "b", 1), restart: 1 });
    expect(await desk.answer(start("1_1", "a", 2))).toMatchObject({ type: "error", code: "unknown-job" });
    expect(await desk.answer(said("done", "1_1", 3, 0, 0))).toMatchObject({ type: "fenced" });
    expect(store.model.learnerCounts).toMatchObject({ running: 1, waiting: 1 });
  });

  test("gets nothing when it is being cancelled", async () => {
    const { desk, store } = await openDesk(1, 1);
    store.record({ kind: "jobCancelled", job: asJobId("1_1") });
    expect(await desk.answer(start("1_1", "a", 1))).toMatchObject({
      type: "nothing",
      why: "this job is being cancelled",
    });
  });

  test("gets nothing once the run is stopped", async () => {
    const { desk, store } = await openDesk(1, 1);
    store.record({ kind: "activityChanged", activity: "stopped", stopsGently: 0, reason: null });
    expect(await desk.answer(start("1_1", "a", 1))).toMatchObject({ type: "nothing" });
    expect(store.model.learnerCounts.waiting).toBe(1);
  });

  test("hears nothing before its submission is known, and an error when it is nobody's", async () => {
    const { desk, store } = await openDesk(1, 0);
    expect(await desk.answer(start("2_1", "a", 1))).toMatchObject({ type: "error", code: "unknown-job" });
    store.record({ kind: "jobsSubmitting", submission: 2, resourceClass: "default", count: 1, tries: null });
    expect(await desk.answer(start("2_1", "a", 1))).toBeNull();
    submit(store, 2, 1);
    expect(await desk.answer(start("2_1", "a", 1))).toMatchObject({ type: "assign" });
  });
});

describe("a job that holds a learner", () => {
  test("reports, and is told what is wished", async () => {
    const { desk, store, previews } = await openDesk(1, 1);
    await desk.answer(start("1_1", "i-1_1", 1));
    desk.watch(new Set([asLearnerId(0)]));
    const preview = { kind: "line", x: [0], y: [[1]], xLabel: "x", yLabel: "y", bounds: [-1, 1], npoints: 1 };
    const reply = await desk.answer(said("report", "1_1", 2, 0, 1, { preview }));
    expect(reply).toEqual({ v: 1, n: 2, type: "ok", wish: { stop: null, preview: true, reportEverySeconds: 1 } });
    expect(previews).toEqual([{ learner: 0, preview: { ...preview, facts: [], errors: null } }]);
    store.record({ kind: "activityChanged", activity: "stopped", stopsGently: 1, reason: null });
    expect(await desk.answer(said("report", "1_1", 3, 0, 1))).toMatchObject({ wish: { stop: "gently" } });
  });

  test("is done once: a repetition has the same answer, and done stays done", async () => {
    const { desk, store, freed } = await openDesk(1, 2);
    await desk.answer(start("1_1", "i-1_1", 1));
    // The first job of all that asked: the others may follow.
    expect(freed).toHaveLength(1);
    const done = said("done", "1_1", 2, 0, 1);
    expect(await desk.answer(done)).toMatchObject({ type: "ok" });
    expect(await desk.answer(done)).toMatchObject({ type: "ok" });
    expect(await desk.answer(said("failed", "1_1", 3, 0, 1, { error: "e", traceback: "" }))).toMatchObject({
      type: "fenced",
    });
    expect(await desk.answer(start("1_2", "x", 1))).toMatchObject({ type: "nothing" });
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "done", isDone: 1, npoints: 20, jobId: null });
    expect(freed).toHaveLength(2);
  });

  test("is refused once its learner was given to another", async () => {
    const { desk, store } = await openDesk(1, 2);
    await desk.answer(start("1_1", "i-1_1", 1));
    await desk.answer(said("released", "1_1", 2, 0, 1, { why: "terminated" }));
    await desk.answer(start("1_2", "i-1_2", 1));
    for (const type of ["report", "done"]) {
      expect(await desk.answer(said(type, "1_1", 3, 0, 1))).toMatchObject({ type: "fenced" });
    }
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "running", jobId: "1_2", epoch: 2 });
  });

  test("is told when a person stops its learner, which then waits for nobody", async () => {
    const { desk, store } = await openDesk(1, 1);
    await desk.answer(start("1_1", "i-1_1", 1));
    store.record({ kind: "learnersStopping", learners: [asLearnerId(0)] });
    expect(await desk.answer(said("report", "1_1", 2, 0, 1))).toMatchObject({ wish: { stop: "now" } });
    await desk.answer(said("released", "1_1", 3, 0, 1, { why: "stopped" }));
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "stopped", isStopping: 0, failures: 0 });
    expect(store.model.learnerCounts.waiting).toBe(0);
  });

  test.each([
    ["terminated", false, "its job was told to end", 1],
    ["terminated", true, "its job was cancelled", 0],
    ["deadline", true, "the walltime of its job was over", 1],
  ])("that is %s (cancelled by us: %s) gives its learner back: %s", async (why, isCancelled, reason, fruitlessJobs) => {
    const { desk, store } = await openDesk(1, 1);
    await desk.answer(start("1_1", "i-1_1", 1));
    if (isCancelled) store.record({ kind: "jobCancelled", job: asJobId("1_1") });
    await desk.answer(said("released", "1_1", 2, 0, 1, { why, npoints: 0 }));
    const expected = { state: "waiting", failures: 0, reason, fruitlessJobs };
    expect(store.model.learner(asLearnerId(0))).toMatchObject(expected);
  });

  test("may say late that it is done, through the outbox, while the learner is nobody else's", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer(start("1_1", "i-1_1", 1));
    const done = said("done", "1_1", 2, 0, 1);
    await desk.answer(start("1_1", "i-1_1", 3));
    store.record({
      kind: "learnerReleased",
      learner: asLearnerId(0),
      job: asJobId("1_1"),
      requestNumber: null,
      how: "cut short",
      state: "waiting",
      reason: "lost",
      failures: 0,
      fruitlessJobs: 0,
      error: null,
      npoints: 0,
      loss: null,
    });
    await desk.takeIn(done);
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "done" });
  });

  test("that was given its learner again before its last word was taken in holds it no more, and is given another", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer(start("1_1", "i-1_1", 1));
    await desk.answer(start("1_1", "i-1_1", 3));
    await desk.takeIn(said("done", "1_1", 2, 0, 1));
    expect(store.model.job(asJobId("1_1"))).toMatchObject({ learnerId: null });
    expect(await desk.answer(start("1_1", "i-1_1", 3))).toMatchObject({ type: "assign", learner: 1, epoch: 1 });
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "done" });
  });

  test("that a crash left with half of what took its learner off holds nothing", async () => {
    const { desk, store } = await openDesk(2, 1);
    await desk.answer(start("1_1", "a", 1));
    store.record({ kind: "learnersMoved", learners: [asLearnerId(0)], state: "stopped", reason: "by a test" });
    expect(store.model.job(asJobId("1_1"))).toMatchObject({ learnerId: 0 });
    expect(await desk.answer(start("1_1", "b", 1))).toMatchObject({ type: "assign", learner: 1 });
  });

  test.each(["done", "failed", "released"])(
    "that said %s through the outbox is believed once, also when a killed scheduler takes it in again",
    async (type) => {
      const { desk, store } = await openDesk(1, 1);
      await desk.answer(start("1_1", "i-1_1", 1));
      const left = said(type, "1_1", 2, 0, 1, { error: "E", traceback: "", why: "stopped" });
      await desk.takeIn(left);
      const { seq } = store.position;
      await desk.takeIn(left);
      expect(store.position.seq).toBe(seq);
    },
  );

  test("fails its learner, and the last allowed time that is final", async () => {
    const { desk, store } = await openDesk(1, 1);
    const fail = async (n: number, epoch: number) => {
      await desk.answer(start("1_1", "i-1_1", n));
      await desk.answer(said("failed", "1_1", n + 1, 0, epoch, { error: "ZeroDivisionError", traceback: "…" }));
      return store.model.learner(asLearnerId(0));
    };
    expect(await fail(1, 1)).toMatchObject({ state: "waiting", failures: 1, error: "ZeroDivisionError" });
    expect(await fail(3, 2)).toMatchObject({ state: "failed", reason: "failed 2 times: ZeroDivisionError" });
  });
});

describe("jobs that find other learners than the run has", () => {
  const mismatch = async ({ desk, store }: Awaited<ReturnType<typeof openDesk>>, job: string) => {
    await desk.answer(start(job, `i-${job}`, 1));
    const { learnerId } = store.model.job(asJobId(job));
    const { epoch } = store.model.learner(asLearnerId(learnerId ?? -1));
    const why = { why: "learners-changed", detail: "fnames[0] is 'b', where the run has 'a'", npoints: 0 };
    await desk.answer(said("released", job, 2, learnerId ?? -1, epoch, why));
  };

  test("cost their learners nothing, and five in a row pause the run with the names", async () => {
    const opened = await openDesk(2, 5);
    const { store } = opened;
    store.record({ kind: "progressNoted", learners: [asLearnerId(0)], npoints: [7], loss: [0.5] });
    for (const job of ["1_1", "1_2", "1_3", "1_4"]) await mismatch(opened, job);
    expect(store.model.run).toMatchObject({ activity: "active", mismatches: 4 });
    await mismatch(opened, "1_5");
    const reason = expect.stringContaining("fnames[0] is 'b', where the run has 'a'") as string;
    expect(store.model.run).toMatchObject({ activity: "paused", mismatches: 5, reason });
    expect(store.model.learner(asLearnerId(0))).toMatchObject({ state: "waiting", fruitlessJobs: 0, npoints: 7 });
  });

  test("are no row when a learner left another job properly between them", async () => {
    const opened = await openDesk(2, 6);
    for (const job of ["1_1", "1_2", "1_3", "1_4"]) await mismatch(opened, job);
    await opened.desk.answer(start("1_5", "i-1_5", 1));
    const learner = opened.store.model.job(asJobId("1_5")).learnerId ?? -1;
    const { epoch } = opened.store.model.learner(asLearnerId(learner));
    await opened.desk.answer(said("released", "1_5", 2, learner, epoch, { why: "deadline" }));
    await mismatch(opened, "1_6");
    expect(opened.store.model.run).toMatchObject({ activity: "active", mismatches: 1 });
  });
});

test("a trial that is told late does not replace that of a later job", async () => {
  const { desk, store } = await openDesk(1, 1);
  submit(store, 2, 1);
  const trial = { learner: 0, point: "0.5", value: "1", seconds: 1, megabytes: 9, error: null, traceback: null };
  const tried = (job: string) => ({ ...from(job, `i-${job}`, 1), type: "tried", trials: [trial] });
  await desk.answer(tried("2_1"));
  expect(await desk.answer(tried("1_1"))).toMatchObject({ type: "ok" });
  expect(store.model.learner(asLearnerId(0)).trial).toContain('"job":"2_1"');
});

test("other versions than the run was made with are remarked once", async () => {
  const { desk, store } = await openDesk(2, 2);
  store.record({ kind: "codeRevised", revision: "r1", versions: '{"python":"3.12.1","numpy":"2.1.0"}' });
  const versions = { python: "3.12.1", numpy: "1.26.4", adaptive: "1.3.0" };
  for (const job of ["1_1", "1_2"]) await desk.answer({ ...start(job, job, 1), versions });
  expect(store.model.run.remark).toContain("Jobs run with numpy 1.26.4, but the run was made with numpy 2.1.0:");
});

test("that processes take the place of MPI is remarked, until a job has MPI", async () => {
  const { desk, store } = await openDesk(3, 3);
  const withoutMpi = { why: "/bin/python has no mpi4py", hint: "/bin/python -m pip install mpi4py mpich", nodes: 1 };
  for (const job of ["1_1", "1_2"]) await desk.answer({ ...start(job, job, 1), withoutMpi });
  expect(store.model.run.remark).toMatch(/^Processes evaluate the points: \/bin\/python has no mpi4py\. .* mpich$/);
  await desk.answer(start("1_3", "1_3", 1));
  expect(store.model.run.remark).toBeNull();
});

test("nonsense gets an error when it can be answered, else silence, and changes nothing", async () => {
  const { desk, store } = await openDesk(1, 1);
  const before = store.position.seq;
  const messages: [object, unknown][] = [
    [{}, null],
    [{ hello: "world" }, null],
    [[1, 2, 3], null],
    [
      { ...start("1_1", "a", 1), v: 2 },
      { type: "error", code: "wrong-version" },
    ],
    [
      { ...start("1_1", "a", 1), type: "dance" },
      { type: "error", code: "bad-message" },
    ],
    [
      { ...start("1_1", "a", 1), job: 7 },
      { type: "error", code: "bad-message" },
    ],
    [
      { ...start("1_1", "a", 1), n: -1 },
      { type: "error", code: "bad-message" },
    ],
    [{ ...start("1_1", "a", 1), n: "1" }, null],
    [said("report", "1_1", 1, 0, 1, { loss: "small" }), { type: "error", code: "bad-message" }],
    [said("report", "1_1", 1, 99, 1), { type: "fenced" }],
    [said("done", "1_1", 1, 0, 1), { type: "fenced" }],
  ];
  for (const [message, expected] of messages) {
    const reply = await desk.answer(message);
    if (expected === null) expect(reply).toBeNull();
    else expect(reply).toMatchObject(expected as object);
  }
  expect(store.position.seq).toBe(before);
});
