import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Failures } from "../../../src/scheduler/jobs/failures";
import { asJobId, asLearnerId, type LearnerRow } from "../../../src/scheduler/state/rows";
import { releaseOf } from "../../../src/scheduler/state/release";

const id = asLearnerId(3);
const fresh = { id, failures: 0, fruitlessJobs: 0, isStopping: 0, isListed: 1, npointsBefore: 0, error: null };
const progress = { npoints: 0, loss: null };

/** A learner that jobs take and give back, and what is kept of how it failed. */
async function failing() {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-failures-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  let row = fresh as unknown as LearnerRow;
  let seq = 0;
  const tail = (job: string) => Promise.resolve({ text: `output of ${job}` });
  const failures = new Failures(join(folder, "failures"), tail, (error) => {
    throw error;
  });
  return {
    failures,
    release: (job: string, how: "failed" | "cut short" | "given back", traceback = "", isStopping: 0 | 1 = 0) => {
      failures.note(id, traceback);
      const change = releaseOf({ ...row, isStopping }, asJobId(job), null, how, `why of ${job}`, progress, 99);
      const { failures: count, fruitlessJobs, error } = change;
      row = { ...row, failures: count, fruitlessJobs, error };
      failures.takeIn([{ ...change, seq: ++seq, time: 1000 + seq }]);
    },
  };
}

test.each(["cut short", "given back"] as const)("a learner that is %s later keeps how it failed", async (how) => {
  const { failures, release } = await failing();
  release("1_1", "failed", "the traceback");
  const before = await failures.of(id);
  expect(before).toMatchObject({ job: "1_1", traceback: "the traceback", output: "output of 1_1", earlier: null });
  release("1_2", how);
  // Nor is a failure of one that was being stopped a failure.
  release("1_3", "failed", "of what was stopped", 1);
  expect(await failures.of(id)).toEqual(before);
});

test("a failure without a traceback has its own job's output, and the last traceback before", async () => {
  const { failures, release } = await failing();
  release("1_1", "failed", "the first");
  release("1_2", "failed", "the second");
  release("1_3", "failed");
  release("1_4", "failed");
  expect(await failures.of(id)).toEqual({
    ...{ job: "1_4", at: 1004, error: "why of 1_4", traceback: null, output: "output of 1_4" },
    earlier: { job: "1_2", at: 1002, error: "why of 1_2", traceback: "the second" },
  });
  release("1_5", "failed", "the newest");
  expect(await failures.of(id)).toMatchObject({ job: "1_5", traceback: "the newest", earlier: null });
});

test("no progress in five jobs is a failure of the last of them", async () => {
  const { failures, release } = await failing();
  for (const job of ["1_1", "1_2", "1_3", "1_4"]) release(job, "cut short");
  expect(await failures.of(id)).toBeNull();
  release("1_5", "cut short");
  expect(await failures.of(id)).toMatchObject({ job: "1_5", output: "output of 1_5" });
});
