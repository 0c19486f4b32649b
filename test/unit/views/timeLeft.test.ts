import { describe, expect, it, test } from "vitest";
import { timeLeftMs } from "../../../src/views/timeLeft";

const start = 1_000_000;
/** One learner done every ten seconds. */
const steady = Array.from({ length: 61 }, (_, i) => ({ time: start + i * 10_000, done: i }));
const end = start + 600_000;

describe("the time left", () => {
  it("goes by how fast learners got done", () => {
    expect(timeLeftMs(steady, { unfinished: 40, running: 4, nowMs: end })).toBe(400_000);
  });

  it("forgets how fast they were long ago", () => {
    const slowedDown = [{ time: start - 86_400_000, done: -10_000 }, ...steady];
    expect(timeLeftMs(slowedDown, { unfinished: 40, running: 4, nowMs: end })).toBe(400_000);
  });

  test.each([
    ["nothing runs", steady, { unfinished: 40, running: 0, nowMs: end }],
    ["all are done", steady, { unfinished: 0, running: 1, nowMs: end }],
    ["there was no word for a while", steady, { unfinished: 40, running: 4, nowMs: end + 120_000 }],
    ["too few are done", steady.slice(0, 4), { unfinished: 40, running: 4, nowMs: start + 30_000 }],
    ["there are no samples", [], { unfinished: 40, running: 4, nowMs: end }],
  ])("is not said when %s", (_, samples, now) => {
    expect(timeLeftMs(samples, now)).toBeNull();
  });
});
