import { describe, expect, test } from "vitest";
import type { Release } from "../../../src/scheduler/state/changes";
import { releaseOf } from "../../../src/scheduler/state/release";
import { asJobId, type LearnerRow } from "../../../src/scheduler/state/rows";
import { learnerRow } from "../views/rows";

const release = (learner: LearnerRow, how: Release, npoints: number) =>
  releaseOf(learner, asJobId("1_1"), null, how, "it rained", { npoints, loss: null }, 3);

describe("a learner that leaves its job", () => {
  test.each<[string, Partial<LearnerRow>, Release, number, object]>([
    ["failed, waits for another try", {}, "failed", 5, { state: "waiting", failures: 1, error: "it rained" }],
    [
      "failed for the last time",
      { failures: 2 },
      "failed",
      5,
      { state: "failed", reason: "failed 3 times: it rained" },
    ],
    ["given back, waits", { failures: 2 }, "given back", 0, { state: "waiting", failures: 2, fruitlessJobs: 0 }],
    [
      "stopped by a person",
      { isStopping: 1, failures: 2 },
      "failed",
      5,
      { state: "stopped", failures: 2, error: null },
    ],
    [
      "cut short with new points",
      { npointsBefore: 4, fruitlessJobs: 4 },
      "cut short",
      5,
      { state: "waiting", fruitlessJobs: 0 },
    ],
    ["gone from its file", { isStopping: 1, isListed: 0 }, "given back", 5, { state: "removed" }],
    ["cut short without", { npointsBefore: 5 }, "cut short", 5, { state: "waiting", fruitlessJobs: 1, failures: 0 }],
    [
      "cut short without, again and again",
      { fruitlessJobs: 4 },
      "cut short",
      0,
      { state: "failed", reason: "no progress in 5 jobs: it rained" },
    ],
  ])("%s", (_, set, how, npoints, expected) => {
    expect(release(learnerRow(0, { state: "running", ...set }), how, npoints)).toMatchObject(expected);
  });
});
