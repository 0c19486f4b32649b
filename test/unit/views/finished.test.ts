import { describe, expect, test } from "vitest";
import { finishedLine, isFinished, whatNext } from "../../../src/views/finished";

const none = { waiting: 0, running: 0, done: 0, failed: 0, stopped: 0, blocked: 0, removed: 0 };

describe("a run is finished", () => {
  test.each([
    [{ done: 8 }, true],
    [{ done: 7, failed: 1 }, true],
    [{ failed: 8 }, true],
    [{ done: 7, stopped: 1, removed: 3 }, true],
    [{ done: 7, waiting: 1 }, false],
    [{ done: 7, running: 1 }, false],
    [{ done: 7, blocked: 1 }, false],
    [{}, false],
    [{ removed: 3 }, false],
  ])("with learners %o: %s", (learners, isSo) => {
    expect(isFinished({ learners: { ...none, ...learners } })).toBe(isSo);
  });
});

describe("what became of it", () => {
  const at = new Date(2026, 0, 31, 14, 2).getTime();
  const startedAt = at - 25 * 60_000;
  test.each([
    [
      { done: 84 },
      25_200,
      startedAt,
      "Finished at 14:02, after 25 min: 84 learners done, none failed, 25\u202f200 points.",
    ],
    [
      { done: 1, failed: 1 },
      1,
      startedAt,
      "Finished at 14:02, after 25 min: 1 learner done, 1 learner failed, 1 point.",
    ],
    [{ done: 1, stopped: 2 }, 9, null, "Finished at 14:02: 1 learner done, none failed, 2 learners stopped, 9 points."],
  ])("%o", (learners, npoints, since, words) => {
    expect(finishedLine({ learners, npoints, finished: { at, startedAt: since } }, at + 60_000)).toBe(words);
  });

  test.each([
    [{ done: 8 }, "With a larger goal or more learners it goes on: Start Jobs."],
    [{ done: 7, failed: 1 }, "Those that failed go on from their data, with the study as it is now."],
  ])("and what comes next with %o", (learners, words) => {
    expect(whatNext({ learners, finished: { at, startedAt } })).toBe(words);
  });

  test("is nothing while it goes on", () => {
    expect(whatNext({ learners: { running: 1, failed: 1 }, finished: null })).toBeNull();
    expect(finishedLine({ learners: { running: 1 }, npoints: 9, finished: null }, at)).toBeNull();
  });
});
