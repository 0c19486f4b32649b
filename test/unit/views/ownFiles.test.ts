import { describe, expect, test } from "vitest";
import { inStudy, placeInStudy } from "../../../src/views/ownFiles";

const here = "/home/ann/my studies/peaks";
const there = "/scratch/u17/peaks/.adaptive/code/ec73b2d9c03afd75";
const frames = (...files: [file: string, line: number][]) =>
  ["Traceback (most recent call last):", ...files.map(([file, line]) => `  File "${file}", line ${line}, in f`)].join(
    "\n",
  );

describe("the study's files, by the names their author knows", () => {
  test.each([
    ["on another machine", frames([`${there}/_learners.py`, 3]), frames([`${here}/_learners.py`, 3])],
    [
      "of a second learners file",
      frames(["/x/.adaptive-fine/code/0a/lib/helpers.py", 7]),
      frames([`${here}/lib/helpers.py`, 7]),
    ],
    ["not what is no copy", frames(["/opt/numpy.py", 1]), frames(["/opt/numpy.py", 1])],
    ["where it is no quoted path", "/x/.adaptive/code/0a/a.py:3: Warning", "/x/a.py:3: Warning"],
  ])("%s", (_, text, shown) => {
    expect(inStudy(text, here)).toBe(shown);
  });

  test("are those of the machine where it is not known where the study is here", () => {
    expect(inStudy(frames([`${there}/a.py`, 3]), null)).toBe(frames(["/scratch/u17/peaks/a.py", 3]));
  });
});

describe("where in the study a traceback ends", () => {
  const solve = [`${there}/lib/helpers.py`, 7] as [string, number];
  test.each([
    ["in the innermost of its own files", frames([`${there}/a.py`, 20], solve, ["/opt/numpy.py", 615]), solve[1]],
    ["in what was run where it lies", frames([`${here}/_learners.py`, 5]), 5],
    ["not in the packages of its own environment", frames([`${here}/.venv/lib/python3.11/numpy.py`, 5]), null],
    ["not in packages beside it", frames([`${here}/env/site-packages/numpy.py`, 5]), null],
    ["not where a path leads out of it", frames([`${there}/../../../../etc/passwd`, 1]), null],
    ["not in other files", frames(["/opt/numpy.py", 1]), null],
    ["nowhere without one", null, null],
  ])("%s", (_, traceback, line) => {
    expect(placeInStudy(traceback, here)?.line ?? null).toBe(line);
  });

  test("is nowhere while it is not known where the study is here", () => {
    expect(placeInStudy(frames(solve), null)).toBeNull();
  });
});
