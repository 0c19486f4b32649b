import { describe, expect, test } from "vitest";
import { formatCount, nounFor, plural } from "../../../src/scheduler/state/counts";
import { figuresLine } from "../../../src/scheduler/commandLine/progressView";
import { explainDeaths } from "../../../src/scheduler/jobs/deaths";
import { learnerStates, type LearnerState } from "../../../src/scheduler/state/rows";
import { valueWords } from "../../../src/scheduler/state/settingWords";

const none = Object.fromEntries(learnerStates.map((state) => [state, 0])) as Record<LearnerState, number>;

describe("a count in words", () => {
  test.each([
    [0, "0 studies", "miss"],
    [1, "1 study", "misses"],
    [2, "2 studies", "miss"],
    [40_000, "40\u202f000 studies", "miss"],
  ])("%d", (count, words, verb) => {
    expect(plural(count, "study", "studies")).toBe(words);
    expect(nounFor(count, "misses", "miss")).toBe(verb);
    expect(words.startsWith(formatCount(count))).toBe(true);
  });

  test.each([
    ["the points of a run", (n: number) => figuresLine({ learners: none, npoints: n, jobs: 0, elapsedMs: 0 })],
    ["a goal", (n: number) => valueWords("goal", { npoints: n })],
    ["jobs that died", (n: number) => explainDeaths(n, { exitCode: 1, ending: null, reason: null }, "").message],
  ])("is singular where it is one: %s", (_, say) => {
    expect(say(1)).toMatch(/\b1 (point|job)\b/);
    expect(say(2)).toMatch(/\b2 (points|jobs)\b/);
  });
});
