import { expect, test } from "vitest";
import { figuresLine, formatDuration, progressLine } from "../../../src/scheduler/commandLine/progressView";

const learners = { waiting: 3, running: 2, done: 18, failed: 1, stopped: 0, blocked: 0, removed: 5 };
const figures = { learners, npoints: 12345, jobs: 2, elapsedMs: 61_000 };

test("the figures are one line, without what there is none of", () => {
  expect(figuresLine(figures)).toBe(
    "18 of 24 done · 3 waiting · 2 running · 1 failed · 5 removed · 12\u202f345 points · 1:01",
  );
});

test("the bar is as long as what is done, and the line fits the terminal", () => {
  expect(progressLine(figures, 200)).toMatch(/^█{22}░{8} 18 of 24 done/);
  expect(progressLine(figures, 40)).toHaveLength(39);
});

test.each([
  [0, "0:00"],
  [59_999, "0:59"],
  [3_723_000, "1:02:03"],
])("%i ms is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
