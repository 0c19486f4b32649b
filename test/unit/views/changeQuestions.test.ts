import { describe, expect, test } from "vitest";
import { cancelQuestion, changeQuestion } from "../../../src/views/changeQuestions";
import { jobView, learnerRow } from "./rows";

describe("before several learners are changed", () => {
  test.each([
    ["reopen", 20, 20, "Reopen 20 learners?", /go on from their data until they meet their goal\.$/],
    ["stop", 3, 3, "Stop 3 learners?", /saved and taken off their jobs/],
    ["retry", 1, 2, "Retry 1 learner?", /1 other that was chosen stays as it is\.$/],
    ["retry", 2, 9, "Retry 2 learners?", /7 others that were chosen stay as they are\.$/],
  ] as const)("%s %d of %d", (verb, count, chosen, message, detail) => {
    const question = changeQuestion(verb, count, chosen);
    expect(question).toMatchObject({ message, detail: expect.stringMatching(detail) as unknown });
    expect(question?.choices).toEqual([message.slice(0, -1)]);
  });

  test("nobody is asked about one that was pointed at", () => {
    expect(changeQuestion("reopen", 1, 1)).toBeNull();
  });
});

describe("before jobs are cancelled", () => {
  const next = "While the run is active, other jobs are submitted for learners that wait.";
  test.each([
    [[jobView("7_1")], false, "Cancel job 7_1?", "", "Cancel Job"],
    [
      [jobView("7_1", { learner: learnerRow(5) })],
      true,
      "Cancel job 7_1?",
      `Its learner offset=0.5 is saved, and waits for another job. ${next}`,
      "Cancel Job",
    ],
    [
      [jobView("7_1", { learner: learnerRow(5) }), jobView("7_2", { learner: learnerRow(6) }), jobView("7_3")],
      false,
      "Cancel 3 jobs?",
      "Their learners are saved, and wait for another job.",
      "Cancel 3 Jobs",
    ],
  ])("%#", (jobs, isActive, message, detail, choice) => {
    expect(cancelQuestion(jobs, isActive)).toEqual({ message, detail, choices: [choice] });
  });
});
