import { expect, test } from "vitest";
import { eventually } from "../integration/program";
import { slurm } from "./testCluster";
import { SlurmStudy, slowPeaks } from "./slurmStudy";

test("two classes have jobs with other cores and another walltime at the same time, and only their learners", async () => {
  const wide = {
    name: "wide",
    where: "k>=2",
    resources: { cores: 3, walltime: "1:00:00", extraLines: ["#SBATCH --nice=5"] },
  };
  const on = await SlurmStudy.create(slowPeaks(4), { goal: { npoints: 300 }, classes: [wide] });
  const run = await on.run("--walltime", "2:00:00");
  // Both at a time.
  const held = await eventually(async () => {
    const held = (await on.changes("learnerAssigned")).map(({ job, learner }) => ({ job, learner }));
    const running = (await on.jobs()).filter(({ state }) => state === "RUNNING").map(({ id }) => id);
    return (
      new Set(held.map(({ learner }) => learner >= 2)).size === 2 &&
      held.every(({ job }) => running.includes(job)) &&
      held
    );
  });
  for (const { job, learner } of held) {
    const asked = await slurm("squeue", "--noheader", "--format=%C %l", `--jobs=${job}`);
    expect({ learner, asked: asked.trim() }).toEqual({ learner, asked: learner >= 2 ? "3 1:00:00" : "1 2:00:00" });
  }
  const learners = await on.finish(run);
  const jobs = new Map((await on.study.rows("jobs")).map(({ jobId, resourceClass }) => [jobId, resourceClass]));
  for (const { id, state, lastJobId, resourceClass } of learners) {
    expect({ state, resourceClass }).toEqual({ state: "done", resourceClass: id >= 2 ? "wide" : "default" });
    expect(lastJobId && jobs.get(lastJobId)).toBe(resourceClass);
  }
});
