import { expect, test } from "vitest";
import { farGoal, SlurmStudy, slowPeaks } from "./slurmStudy";
import { slurm } from "./testCluster";

test("a job that the queue starts anew goes on under its id, with its output kept", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run();
  const { job } = await on.firstHolder();
  await slurm("scontrol", "update", `JobId=${job}`, "Requeue=1");
  await slurm("scontrol", "requeue", job);
  await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
  expect((await on.output(job)).match(/: started$/gm)?.length).toBeGreaterThanOrEqual(1);
  expect((await on.changes("jobEnded")).every(({ ending }) => ending === "exit")).toBe(true);
});
