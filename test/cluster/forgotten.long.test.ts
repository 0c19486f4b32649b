import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { aloneMs, farGoal, SlurmStudy, slowPeaks } from "./slurmStudy";
import { testCluster } from "./testCluster";

test(
  "how a job ended that left no word and that the queue has forgotten is known from the accounts",
  { timeout: aloneMs },
  async () => {
    const on = await SlurmStudy.create(slowPeaks(1), farGoal, "exclusive");
    await testCluster.configure("MinJobAge=2");
    try {
      const run = await on.run();
      const { job } = await on.firstHolder();
      await killProcesses(job);
      await on.until("learnerAssigned", ({ epoch }) => epoch === 2);
      const [learner] = await on.finish(run);
      expect(learner).toMatchObject({ state: "done", failures: 1 });
      const [ended] = await on.changes("jobEnded");
      expect(ended).toMatchObject({ job, ending: "memory", exitCode: 137 });
    } finally {
      await testCluster.configure();
    }
  },
);

/** Kills all processes of a job, so that its script cannot write down how it ended. */
async function killProcesses(job: string): Promise<void> {
  const [array = "", task = ""] = job.split("_");
  const wanted = [`SLURM_ARRAY_JOB_ID=${array}`, `SLURM_ARRAY_TASK_ID=${task}`];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    // Some have ended meanwhile.
    const environment = (await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "")).split("\0");
    if (wanted.every((variable) => environment.includes(variable))) process.kill(Number(pid), "SIGKILL");
  }
}
