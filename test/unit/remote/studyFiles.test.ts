import { describe, expect, test } from "vitest";
import { isStudyPath, learnersGlob, learnersLineOf, mayBeFolder } from "../../../src/remote/studyFiles";

describe("studies", () => {
  test("are looked for in the folder and four levels below", () => {
    expect(learnersGlob("_learners.py")).toBe(
      "{_learners.py,*/_learners.py,*/*/_learners.py,*/*/*/_learners.py,*/*/*/*/_learners.py}",
    );
  });

  test.each([
    ["_learners.py", true],
    ["a/b/c/d/_learners.py", true],
    ["a/b/c/d/e/_learners.py", false],
    [".adaptive/code/r1/_learners.py", false],
    [".adaptive-trash/peaks-1/data/_learners.py", false],
    ["a/.venv/_learners.py", false],
    ["node_modules/a/_learners.py", false],
    ["venv/lib/_learners.py", false],
    ["environment/_learners.py", true],
  ])("%s: %s", (path, isStudy) => {
    expect(isStudyPath(path)).toBe(isStudy);
  });

  test.each([
    ["/home/me/study", true],
    ["/home/me/study/.adaptive", true],
    ["/home/me/study/.adaptive-sweep", true],
    ["/home/me/study/.adaptive/code", false],
    ["/home/me/study/data/offset=0.1.pickle", false],
  ])("may have come with a folder %s: %s", (path, isSo) => {
    expect(mayBeFolder(path)).toBe(isSo);
  });

  test.each([
    ["import adaptive\n\nlearners = [1, 2]\nfnames = []\n", "learners = [1, 2]"],
    ["learners: list[Learner1D] = make()\n", "learners: list[Learner1D] = make()"],
    ["def make_learner(combo):\n    learners = 1\n", "def make_learner(combo):"],
    ["# learners = 1\nlearners_of = 2\n", null],
    ["", null],
  ])("tell of their learners: %j", (text, line) => {
    expect(learnersLineOf(text)).toBe(line);
  });
});
