import { expect, test } from "vitest";
import { eventually } from "../integration/program";
import { farGoal, inPartition, SlurmStudy, slowPeaks } from "./slurmStudy";
import { testCluster } from "./testCluster";

test("a node that is cut off computes on, but neither saves nor reports for a learner that another job has", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run("--max-jobs", "1", ...inPartition("pair"));
  const { job, node } = await on.firstHolder();
  const cutOff = node === "n2" ? "n2" : "n3";
  await testCluster.cut(cutOff);
  const again = await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
  expect(again.job).not.toBe(job);
  // It cannot reach anybody, and finds it in the run directory.
  await eventually(async () => (await on.output(job)).includes("not ours any more, nothing is saved"));
  await testCluster.restore(cutOff);
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", epoch: 2, failures: 0 });
  expect(await on.changes("learnerDone")).toMatchObject([{ job: again.job }]);
  expect((await on.evaluations(0)).at(-1)).toMatchObject({ job: again.job });
});
