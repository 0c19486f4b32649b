import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createStudy, peaks, python } from "../integration/program";
import { claim, SlurmStudy, slowPeaks } from "./slurmStudy";

test("local jobs of a scheduler that was started in a step of Slurm are free of it", async () => {
  await claim("shared");
  const study = await createStudy(peaks(2), { goal: { npoints: 5 } });
  const args = ["run", "--learners", study.learnersFile, "--cluster", "local", "--python", python, "--cores", "2"];
  const { exitCode, stdout } = await study.start(args, ["srun", "--ntasks=1", "--cpus-per-task=1"]).ended;
  expect({ exitCode, end: exitCode === 0 ? "" : stdout.slice(-3000) }).toEqual({ exitCode: 0, end: "" });
  expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done"]);
});

test("a login file that gives orders to Slurm bends neither a job's own steps nor our commands", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), { goal: { npoints: 10 } });
  await mkdir(on.study.home, { recursive: true });
  await writeFile(
    join(on.study.home, ".bash_profile"),
    "export SLURM_CLUSTERS=other SLURM_NTASKS=7 SQUEUE_FORMAT=%i SLURM_PARTITION=nowhere\n",
  );
  const run = await on.run("--set", "resources.cores=2");
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
});
