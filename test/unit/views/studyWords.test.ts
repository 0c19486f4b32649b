import { describe, expect, test } from "vitest";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { editNotice, goalQuestion, updateQuestion } from "../../../src/views/studyWords";

describe("the line about an edited study", () => {
  const keep = "Running jobs keep their code.";
  const take = "Start Jobs takes that in.";
  test.each([
    [false, false, true, null],
    [true, false, true, ["updateRun", `The study was edited since these jobs were started. ${keep}`]],
    [false, true, true, ["startJobs", `adaptive.json was edited since these jobs were started. ${take}`]],
    [true, true, true, ["updateRun", `The study and adaptive.json were edited since these jobs were started. ${keep}`]],
    [true, false, false, ["updateRun", `The study was edited since this run was made. ${take}`]],
    [false, true, false, ["startJobs", `adaptive.json was edited since this run was made. ${take}`]],
  ])("code %o, settings %o, started %o", (code, settings, isStarted, said) => {
    const notice = editNotice({ code, settings }, isStarted);
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
    const question = updateQuestion({ counts: { ...same, ...counts } }, false);
    const message = `The study was edited: ${what}. Update the run?`;
    expect(question).toEqual({ message, detail, choices: ["Update"] });
  });

  test("offers to go on without the update when jobs are started anyway", () => {
    expect(updateQuestion({ counts: same }, true).choices).toEqual(["Update", "Keep Old Code"]);
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
