import { expect, test } from "vitest";
import { farGoal, inPartition, SlurmStudy, slowPeaks } from "./slurmStudy";
import { slurm } from "./testCluster";

test("jobs that somebody else cancels give their learners back", async () => {
  const on = await SlurmStudy.create(slowPeaks(2), farGoal);
  const run = await on.run();
  const { job } = await on.firstHolder();
  await slurm("scancel", job);
  const released = await on.until("learnerReleased");
  expect(released).toMatchObject({ job, state: "waiting", failures: 0 });
  expect(released.npoints).toBeGreaterThan(0);
  await on.until("learnerAssigned", ({ learner, epoch }) => learner === released.learner && epoch === 2);
  const learners = await on.finish(run);
  expect(learners.map(({ state, failures }) => ({ state, failures }))).toEqual([
    { state: "done", failures: 0 },
    { state: "done", failures: 0 },
  ]);
  expect(await on.changes("jobEnded")).toContainEqual(expect.objectContaining({ job, ending: "cancelled" }));
});

test("a job whose walltime is nearly over saves its learner, and the next one goes on with it", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run("--walltime", "1");
  const released = await on.until("learnerReleased");
  expect(released).toMatchObject({ state: "waiting", failures: 0 });
  const again = await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
  expect(again.job).not.toBe(released.job);
  expect(again.npointsBefore).toBe(released.npoints);
  expect(again.npointsBefore).toBeGreaterThan(0);
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
});

test("a job that has to make room for another one gives its learner back", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run(...inPartition("low"));
  const { job } = await on.firstHolder();
  await slurm("sbatch", "--partition=high", "--exclusive", "--output=/dev/null", "--wrap=sleep 1");
  const released = await on.until("learnerReleased");
  expect(released).toMatchObject({ job, state: "waiting", failures: 0 });
  await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
  expect(await on.changes("jobEnded")).toContainEqual(expect.objectContaining({ job, ending: "preempted" }));
});
