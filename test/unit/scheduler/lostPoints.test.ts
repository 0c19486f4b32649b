import { describe, expect, test } from "vitest";
import { decide } from "../../../src/scheduler/jobs/decide";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { lossIn, remarkOnLosses } from "../../../src/scheduler/state/lostPoints";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId, asLearnerId, type LearnerId } from "../../../src/scheduler/state/rows";
import { withRemark } from "../../../src/scheduler/state/runRemarks";
import { WorkerDesk } from "../../../src/scheduler/workers/desk";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { assigned, createRunOnDisk, defaultSettings, firstChanges, openStore } from "./runFixture";

const submitted = (count: number): NewChange => ({
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: Array.from({ length: count }, (_, i) => ({ id: asJobId(`1_${i}`), name: `s-${i}` })),
});
const lost = (learner: number, lost: number, npoints = 35): Extract<NewChange, { kind: "pointsLost" }> => ({
  kind: "pointsLost",
  learner: asLearnerId(learner),
  npoints,
  npointsBefore: 0,
  lost,
});

describe("a node is lost with the jobs on it", () => {
  const changes = (progress: (learner: LearnerId) => { npoints: number; saved?: number }): NewChange[] => {
    const model = new Model();
    const given = [submitted(3), ...[0, 1, 2].map((i) => assigned(`1_${i}`, i))];
    [...firstChanges(4), ...given].forEach((change, i) => model.apply(effects({ ...change, seq: i + 1, time: i })));
    const end = { cause: "node failure", exitCode: null } as const;
    return decide(model, {
      settings: defaultSettings,
      sharedCores: 4,
      listing: [],
      gone: new Map([...model.liveJobs].map((job) => [job, { own: null, told: end }])),
      lost: [],
      inFlight: new Set(),
      progress: (learner) => ({ loss: 0.1, ...progress(learner) }),
      heardAt: () => 0,
      allowedSeconds: () => null,
      now: 1000,
    }).changes;
  };

  test("each learner has what its data has, and says what is gone; the run says it once", () => {
    const decided = changes((id) => ({ npoints: 300, saved: [35, 299, 300][id] ?? 0 }));
    expect(decided.filter(({ kind }) => kind === "pointsLost")).toEqual([lost(0, 265), lost(1, 1, 299)]);
    expect(decided.filter(({ kind }) => kind === "learnerReleased")).toMatchObject([
      { npoints: 35, loss: null, reason: "its job 1_0 lost its node; 265 points that it had not saved are lost" },
      { npoints: 299, loss: null, reason: "its job 1_1 lost its node; 1 point that it had not saved is lost" },
      { npoints: 300, loss: 0.1, reason: "its job 1_2 lost its node" },
    ]);
    const remarks = decided.flatMap((change) => (change.kind === "runRemarked" ? [change.remark] : []));
    expect(remarks).toHaveLength(1);
    expect(remarks[0]).toMatch(
      /^Lost 266 points of 2 learners whose .* computed again\. .* less than 300 seconds, set saveEverySeconds in /,
    );
  });

  test("nothing is said of jobs that have not told what is saved", () => {
    const decided = changes(() => ({ npoints: 300 }));
    expect(decided.some(({ kind }) => kind === "pointsLost" || kind === "runRemarked")).toBe(false);
  });

  test("a job whose points were all lost has made no progress", () => {
    const [release] = changes(() => ({ npoints: 300, saved: 0 })).filter(({ kind }) => kind === "learnerReleased");
    expect(release).toMatchObject({ fruitlessJobs: 1 });
  });
});

test("what was lost is summed up until somebody reads it, beside the run's other remarks", () => {
  let remark: string | null = "Jobs run with numpy 2.";
  for (const i of [1, 2, 3]) remark = remarkOnLosses({ remark }, [lost(0, 10 * i), lost(1, 1)], 300)?.remark ?? null;
  expect(lossIn(remark)).toEqual({ points: 63, times: 6 });
  expect(withRemark(remark, "lost", null)).toBe("Jobs run with numpy 2.");
  expect(lossIn("Jobs run with numpy 2.")).toBeNull();
  expect(remarkOnLosses({ remark }, [], 300)).toBeNull();
});

describe("what a worker says", () => {
  async function open() {
    const store = await openStore(await createRunOnDisk(1));
    store.record(submitted(2));
    await store.synced();
    const remarks: string[] = [];
    const board = new ProgressBoard(store.model);
    const desk = new WorkerDesk(store, board, Date.now, {
      givesWay: () => false,
      onDidFree: () => undefined,
      onDidPreview: () => undefined,
      onDidFail: () => undefined,
      onDidRemark: (remark) => remarks.push(remark),
    });
    const say = (type: string, instance: string, n: number, more: object, job = "1_0") =>
      desk.answer({ v: 1, type, job, restart: 0, instance, n, host: "n1", pid: 7, ...more });
    const start = (instance: string, job?: string) =>
      say("start", instance, 1, { resourceClass: "default", revision: "r1" }, job);
    const of = (epoch: number, npoints: number, saved?: number) => ({ learner: 0, epoch, npoints, loss: 0.5, saved });
    return { store, board, remarks, say, start, of, row: () => store.model.learner(asLearnerId(0)) };
  }

  test("a process that died and was started anew by its job: the next one has what was saved", async () => {
    const { board, remarks, say, start, of, row } = await open();
    await start("a");
    await say("report", "a", 2, of(1, 300, 35));
    expect(await start("b")).toMatchObject({ type: "assign", epoch: 2, npoints: 35, loss: null });
    expect(row()).toMatchObject({ npoints: 35, npointsBefore: 35 });
    expect(remarks).toHaveLength(1);
    // What it loads is what was expected, and what the first one had said is not recorded behind that.
    await say("report", "b", 2, of(2, 35, 35));
    expect(remarks).toHaveLength(1);
    expect(board.takeUnrecorded()).toMatchObject({ npoints: [35] });
  });

  test("nothing of the time before it has loaded the learner", async () => {
    const { remarks, say, start, of, row } = await open();
    await start("a");
    await say("report", "a", 2, of(1, 40, 40));
    await say("released", "a", 3, { ...of(1, 40, 40), why: "terminated" });
    expect(await start("b", "1_1")).toMatchObject({ npoints: 40, loss: 0.5 });
    await say("report", "b", 2, of(2, 40), "1_1");
    await say("released", "b", 3, { ...of(2, 40), why: "terminated" }, "1_1");
    expect([row().npoints, remarks]).toEqual([40, []]);
  });

  test("a job finds less than was known, once", async () => {
    const { store, remarks, say, start, of, row } = await open();
    store.record({ kind: "progressNoted", learners: [asLearnerId(0)], npoints: [300], loss: [0.1] });
    await start("a");
    await say("report", "a", 2, of(1, 300));
    expect(remarks).toEqual([]);
    await say("report", "a", 3, of(1, 35, 35));
    await say("report", "a", 4, of(1, 36, 35));
    expect(lossIn(remarks.join())).toEqual({ points: 265, times: 1 });
    expect(remarks).toHaveLength(1);
    // The next scheduler hears of it for the first time.
    const board = new ProgressBoard(store.model);
    const heir = new WorkerDesk(store, board, Date.now, {
      givesWay: () => false,
      onDidFree: () => undefined,
      onDidPreview: () => undefined,
      onDidFail: () => undefined,
      onDidRemark: (remark) => remarks.push(remark),
    });
    await heir.answer({
      v: 1,
      type: "report",
      job: "1_0",
      restart: 0,
      instance: "a",
      n: 5,
      host: "",
      pid: 7,
      ...of(1, 99, 60),
    });
    expect(remarks).toHaveLength(1);
    expect(row().npointsBefore).toBe(35);
  });

  test("a last word on a learner that could not be saved", async () => {
    const { remarks, say, start, of, row } = await open();
    await start("a");
    await say("failed", "a", 2, { ...of(1, 300, 35), error: "could not save: OSError", traceback: "" });
    expect(row()).toMatchObject({
      npoints: 35,
      reason: "could not save: OSError; 265 points that it had not saved are lost",
    });
    expect(remarks).toHaveLength(1);
  });
});
