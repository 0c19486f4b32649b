import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Overview } from "../../../src/remote/replica/queries";
import {
  type LearnerState,
  learnerStates,
  notStartedYet,
  pausedByPerson,
  asLearnerId,
  type RunRow,
} from "../../../src/scheduler/state/rows";
import { remarkOnLosses } from "../../../src/scheduler/state/lostPoints";
import { missingWords } from "../../../src/scheduler/study/missingData";
import { conditionNode } from "../../../src/views/learnersTreeModel";
import { conditionOf } from "../../../src/views/runCondition";
import { asNews, isWanted, quieter } from "../../../src/views/runNews";
import { isFirstToTell } from "../../../src/views/told";
import { statusText } from "../../../src/views/statusText";

const none = Object.fromEntries(learnerStates.map((state) => [state, 0])) as Record<LearnerState, number>;

function overview(learners: Partial<Record<LearnerState, number>>, run: Partial<RunRow> = {}): Overview {
  const row = { name: "peaks", runId: "u", activity: "active", reason: null, activityAt: 5, ...run } as RunRow;
  return {
    run: row,
    learners: { ...none, ...learners },
    jobs: { submitted: 0, queued: 0, running: 0, ended: 0 },
    npoints: 0,
  };
}

const died = "The last 5 jobs ended before they asked for a learner, so no more are submitted: OSError: no licence.";
const notice = {
  code: "jobs-die-at-once",
  message: `${died}\nThe last one printed:\nOSError: no licence`,
  hint: "Correct the cause; then start the jobs again.",
};
const { remark: lost } = remarkOnLosses(
  { remark: "Jobs run with numpy 2." },
  [0, 1].map((i) => ({
    kind: "pointsLost",
    learner: asLearnerId(i),
    npoints: 35,
    npointsBefore: 0,
    lost: 265 + 735 * i,
  })),
  300,
) ?? { remark: null };
const gone = missingWords(["data/0", "data/1"], 8, "/peaks");
const byItself = { activity: "paused", reason: "5 jobs died" } as const;

describe("how a run stands", () => {
  test.each([
    [{ running: 2, waiting: 6 }, {}, null],
    [{ waiting: 8 }, { activity: "paused", reason: notStartedYet }, "peaks 8◷ · not started"],
    [{ waiting: 8 }, { activity: "paused", reason: pausedByPerson }, "peaks 8◷ · paused"],
    [{ waiting: 8 }, { activity: "stopped" }, "peaks 8◷ · stopped"],
    [{ waiting: 8 }, byItself, "peaks 8◷ · paused, needs you"],
    [{ done: 8 }, {}, "peaks 8✓ · finished"],
    // What a person paused has ended nevertheless.
    [{ done: 8, failed: 1 }, { activity: "paused", reason: pausedByPerson }, "peaks 8✓ 1✗ · finished"],
    [{ stopped: 2 }, { activity: "stopped" }, "peaks · finished"],
    [{ done: 2, removed: 3 }, {}, "peaks 2✓ · finished"],
    [{ running: 2, waiting: 6 }, { remark: lost }, "peaks 2▶ 6◷ · 1\u202f265 points lost"],
    [{ waiting: 8 }, { ...byItself, remark: lost }, "peaks 8◷ · paused, needs you"],
    [{ done: 8 }, { remark: lost }, "peaks 8✓ · finished"],
    [{ done: 8 }, { remark: gone }, "peaks 8✓ · data is gone"],
    // Nothing to do is not all done.
    [{ removed: 3 }, {}, null],
  ] as const)("%j of %j", (learners, run, text) => {
    const shown = overview(learners, run);
    const condition = conditionOf(shown, null);
    expect(condition && statusText(shown, null, condition)).toBe(text && `$(graph-line) ${text}`);
  });

  test("what waits for a person is the first line of the tree, with all that is known and what to do", () => {
    const [node] = conditionNode(conditionOf(overview({ waiting: 8 }, byItself), notice));
    expect(node).toMatchObject({ label: "Paused, needs you", description: died, context: "condition waits" });
    expect(node?.tooltip).toBe(`${notice.message}\n${notice.hint}`);
    // Before the scheduler has explained it.
    expect(conditionNode(conditionOf(overview({ waiting: 8 }, byItself), null))).toMatchObject([
      { description: "5 jobs died" },
    ]);
  });
});

describe("what is told in a notification", () => {
  const news = (learners: Partial<Record<LearnerState, number>>, run: Partial<RunRow>, isOnCluster = false) => {
    const shown = overview(learners, run);
    const condition = conditionOf(shown, notice);
    return condition && asNews(shown.run, condition, 7, isOnCluster);
  };

  test("a run that waits for a person, with the first line of why and what to do", () => {
    expect(news({ waiting: 8 }, byItself)).toEqual({
      cause: "u paused 5",
      message: `peaks is paused and needs you. ${died} Correct the cause; then start the jobs again.`,
      isProblem: true,
      steps: [
        { title: "Show Dashboard", command: "adaptive.showProgress" },
        { title: "Start Jobs", command: "adaptive.startJobs" },
      ],
    });
  });

  test("a Python is offered where the notice's code says that another one mends it, whatever its words", () => {
    const shown = overview({ waiting: 8 }, byItself);
    const offered = (code: string, hint: string) => {
      const condition = conditionOf(shown, { code, message: died, hint });
      return condition && asNews(shown.run, condition, 7, false)?.steps.map(({ title }) => title);
    };
    expect(offered("jobs-without-python", "Correct it.")).toEqual(["Show Dashboard", "Choose Python…", "Start Jobs"]);
    expect(offered("jobs-die-at-once", "Choose another Python.")).toEqual(["Show Dashboard", "Start Jobs"]);
  });

  test("points that were lost, and what makes that less: again when as much again is lost", () => {
    const told = news({ running: 2 }, { remark: lost });
    expect(told).toMatchObject({
      isProblem: true,
      message:
        "peaks: Lost 1265 points of 2 learners whose jobs ended before these were saved; they are computed again. " +
        "What a lost job costs at most is what its learner computes between two saves: to make that less than 300 seconds, set saveEverySeconds in adaptive.json and start the jobs again.",
    });
    const causes = [1300, 2047, 2048].map(
      (points) => news({ running: 2 }, { remark: (lost ?? "").replace("1265", String(points)) })?.cause,
    );
    expect(causes.map((cause) => cause === told?.cause)).toEqual([true, true, false]);
    const [node] = conditionNode(conditionOf(overview({ running: 2 }, { remark: lost }), null));
    expect(node).toMatchObject({ label: "Points were lost", context: "condition lost" });
    expect(node?.description).toMatch(/^Lost 1265 points of 2 learners .* computed again\.$/);
    expect(node?.tooltip).toMatch(/\nWhat a lost job costs .* saveEverySeconds/);
  });

  test("data of done learners that is gone, in place of that the run is finished", () => {
    expect(news({ done: 8 }, { remark: gone })).toMatchObject({
      message:
        "peaks: Data of done learners is gone: data/0, data/1, of 8 learners done. Put it back, or reopen these learners.",
      isProblem: true,
      steps: [{ title: "Show Dashboard" }, { title: "Reopen…", command: "adaptive.reopenLearners" }],
    });
  });

  test("a run that is finished, with what is left to do", () => {
    expect(news({ done: 1200, stopped: 1 }, {}, true)).toMatchObject({
      cause: "u finished 7",
      message: "peaks is finished: 1\u202f200 learners done, 1 stopped.",
      isProblem: false,
      steps: [{ title: "Show Dashboard" }, { title: "Download Data" }],
    });
    expect(news({ done: 1, failed: 2 }, {})).toMatchObject({
      message: "peaks is finished: 1 learner done, 2 failed.",
      isProblem: true,
      steps: [{ title: "Show Dashboard" }, { title: "Retry Failed…" }],
    });
  });

  test("nothing that a person has done", () => {
    for (const reason of [notStartedYet, pausedByPerson])
      expect(news({ waiting: 1 }, { activity: "paused", reason })).toBeNull();
    expect(news({ waiting: 1 }, { activity: "stopped" })).toBeNull();
    expect(news({ running: 1 }, {})).toBeNull();
  });

  test("by one of several windows, and not again when one is loaded anew", async () => {
    const folder = join(await mkdtemp(join(tmpdir(), "adaptive-told-")), "told");
    onTestFinished(() => rm(folder, { recursive: true }));
    const asked = await Promise.all([1, 2, 3].map(() => isFirstToTell(folder, "u paused 5")));
    expect(asked.filter((isFirst) => isFirst)).toHaveLength(1);
    expect(await isFirstToTell(folder, "u paused 5")).toBe(false);
    expect(await isFirstToTell(folder, "u paused 6")).toBe(true);
  });

  test.each([
    ["all", true, true],
    ["problems", true, false],
    ["none", false, false],
    ["something else", false, false],
  ])("with the setting %s: problems %s, others %s", (level, problems, others) => {
    expect([isWanted({ isProblem: true }, level), isWanted({ isProblem: false }, level)]).toEqual([problems, others]);
  });

  test("not showing it again leaves what is worse", () => {
    expect([quieter(false), quieter(true)]).toEqual(["problems", "none"]);
  });
});
