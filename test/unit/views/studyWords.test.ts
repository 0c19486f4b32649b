import { describe, expect, test } from "vitest";
import { updatedLine } from "../../../src/scheduler/control/studyComparison";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { editNotice, goalQuestion, updateQuestion } from "../../../src/views/studyWords";

describe("the line about an edited study", () => {
  const keep = "Running jobs keep their code.";
  const take = "Start Jobs takes that in.";
  test.each([
    [false, false, true, 2, null],
    [true, false, true, 2, ["updateRun", `The study was edited since these jobs were started. ${keep}`]],
    [true, false, true, 0, ["updateRun", `The study was edited since these jobs were started. ${take}`]],
    [false, true, true, 2, ["startJobs", `adaptive.json was edited since these jobs were started. ${take}`]],
    [
      true,
      true,
      true,
      1,
      ["updateRun", `The study and adaptive.json were edited since these jobs were started. ${keep}`],
    ],
    [true, false, false, 0, ["updateRun", `The study was edited since this run was made. ${take}`]],
    [false, true, false, 0, ["startJobs", `adaptive.json was edited since this run was made. ${take}`]],
  ] as const)("code %o, settings %o, started %o, %i running jobs", (code, settings, isStarted, runningJobs, said) => {
    const notice = editNotice({ code, settings }, { isStarted, runningJobs });
    expect(notice && [notice.command, notice.line]).toEqual(said);
  });
});

describe("the question about an edited study", () => {
  const same = { added: 0, missing: 0, returned: 0, changed: 0, moved: 0, unchanged: 100 };
  const running = "Running jobs keep their code; later ones have the new.";
  test.each([
    [{}, "the same learners, with other code", running],
    [{ added: 12, moved: 3 }, "12 new", running],
    [{ missing: 3 }, "3 gone (their data stays)", running],
    [
      { missing: 30, unchanged: 70 },
      "30 gone (their data stays)",
      `That is more than a tenth of its learners. ${running}`,
    ],
    [{ changed: 2, returned: 1 }, "1 back again, 2 changed", `Changed learners that are done go on. ${running}`],
  ])("after %o says %s", (counts, what, detail) => {
    const question = updateQuestion({ counts: { ...same, ...counts } }, { mayKeep: false, runningJobs: 2 });
    const message = `The study was edited: ${what}. Update the run?`;
    expect(question).toEqual({ message, detail, choices: ["Update"] });
  });

  test("offers to go on without the update when jobs are started anyway", () => {
    const question = updateQuestion({ counts: same }, { mayKeep: true, runningJobs: 0 });
    expect(question.choices).toEqual(["Update", "Keep Old Code"]);
  });

  test("says nothing of running jobs where none runs, nor does what is said afterwards", () => {
    const counts = { ...same, changed: 2 };
    const { detail } = updateQuestion({ counts }, { mayKeep: false, runningJobs: 0 });
    expect(detail).toBe("Changed learners that are done go on.");
    expect(updatedLine({ counts }, 0)).toBe("Updated: 2 changed.");
    expect(updatedLine({ counts }, 1)).toBe("Updated: 2 changed. Running jobs keep their code.");
  });
});

describe("the question about done learners", () => {
  const ids = (...numbers: number[]) => numbers.map(asLearnerId);
  const later = "shows when they are started; those that do are done again at once.";
  test.each([
    ["all meet the goal", ids(), ids(), true, null, ids()],
    ["some miss it", ids(1, 2), ids(), false, ["2 of 5 done learners miss the goal. Continue those?", ""], ids(1, 2)],
    ["one misses it", ids(1), ids(), false, ["1 of 5 done learners misses the goal. Continue those?", ""], ids(1)],
    ["nobody can tell, as before", ids(), ids(3, 4), false, null, ids()],
    [
      "nobody can tell of a new goal",
      ids(),
      ids(3, 4),
      true,
      ["2 done learners may miss the new goal. Continue those?", `Whether they meet it ${later}`],
      ids(3, 4),
    ],
    [
      "some miss it, of others nobody can tell",
      ids(1),
      ids(3, 4),
      true,
      ["1 of 5 done learners misses the goal. Continue those?", `Whether 2 others meet it ${later}`],
      ids(1, 3, 4),
    ],
  ])("when %s", (_, missed, unknown, isNew, words, learners) => {
    const asked = goalQuestion({ done: 5, missed, unknown }, isNew);
    expect(asked && [asked.question.message, asked.question.detail]).toEqual(words);
    expect(asked?.learners ?? []).toEqual(learners);
  });
});
