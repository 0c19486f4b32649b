import { expect, test } from "vitest";
import { deletionQuestion, runLine } from "../../../src/views/runWords";

test.each([
  [{ files: 3, bytes: 12_000 }, [], "the learners' data is 3 files (12 kB).\n", ["Delete Run", "Delete Run and Data"]],
  [{ files: 0, bytes: 0 }, [], "the learners' data is 0 files (0 B).\n", ["Delete Run"]],
  [
    { files: 1, bytes: 1 },
    ["../x"],
    "1 data file outside the folder stays in any case.\n",
    ["Delete Run", "Delete Run and Data"],
  ],
])("deleting a run with data %o is asked about with its numbers", (data, outside, words, choices) => {
  const question = deletionQuestion({ name: "peaks", state: { files: 20, bytes: 1_200_000 }, data, outside });
  expect(question).toMatchObject({ message: "Delete the run peaks?", choices });
  expect(question.detail).toContain("Its state is 20 files (1.2 MB)");
  expect(question.detail).toContain(words);
});

test.each([
  [{ state: "running", learners: { done: 1200, running: 3, removed: 9 } }, "running · 1\u202f200 of 1\u202f203 done"],
  [{ state: "done", learners: { done: 8 } }, "8 of 8 done"],
  [{ state: "unreadable" }, "unreadable"],
  [{}, ""],
])("a run %o in a line: %s", (run, line) => {
  expect(runLine(run)).toBe(line);
});
