import { expect, test } from "vitest";
import { farGoal, inPartition, SlurmStudy, slowPeaks } from "./slurmStudy";
import { testCluster } from "./testCluster";

test("a job whose machine goes down gives its learner to another job", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run("--max-jobs", "1", ...inPartition("single"));
  const { job } = await on.firstHolder();
  await testCluster.kill("n1");
  const released = await on.until("learnerReleased");
  expect(released).toMatchObject({ job, how: "cut short", state: "waiting", failures: 0 });
  await testCluster.revive("n1");
  const again = await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
  expect(again.job).not.toBe(job);
  expect(await on.finish(run)).toMatchObject([{ state: "done", epoch: 2, failures: 0 }]);
  expect(await on.changes("jobEnded")).toContainEqual(expect.objectContaining({ job, ending: "node failure" }));
});
