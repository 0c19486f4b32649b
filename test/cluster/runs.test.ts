import { chmod, copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { python } from "../integration/program";
import { farGoal, inPartition, SlurmStudy, slowPeaks } from "./slurmStudy";

test("a script of the first version runs on the ranks of two nodes", async () => {
  const on = await SlurmStudy.create(slowPeaks(3), { goal: { npoints: 40 } });
  const { study } = on;
  await copyFile("test/fixtures/first_version.py", study.at("run_learner.py"));
  const asked = `*adaptive_scheduler.run) exec ${python} -m mpi4py.futures run_learner.py ;;`;
  await writeFile(study.at("python"), `#!/bin/sh\ncase "$*" in\n${asked}\n*) exec ${python} "$@" ;;\nesac\n`);
  await chmod(study.at("python"), 0o755);
  const prelude = JSON.stringify({ prelude: [`export PATH=${dirname(python)}:$PATH`] });
  const wide = ["--set", "resources.nodes=2", "--set", "resources.cores=2"];
  const run = await on.run("--python", study.at("python"), "--profile", prelude, ...wide);
  for (const { state, npoints, epoch, failures } of await on.finish(run)) {
    expect({ state, epoch, failures }).toEqual({ state: "done", epoch: 1, failures: 0 });
    expect(npoints).toBeGreaterThanOrEqual(40);
  }
  expect(new Set((await on.evaluations(0)).map(({ node }) => node))).toEqual(new Set(["n4", "n5"]));
});

test("a launcher that does not fit the MPI library is noticed, and another one found", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), { goal: { npoints: 10 } });
  const bin = on.study.at("bin");
  await mkdir(bin);
  // As on a cluster whose Slurm knows nothing of this MPI: every process takes itself for the only one.
  const srun = `#!/bin/bash\nexec /usr/bin/srun --mpi=none "\${@//--mpi=*/--quiet}"\n`;
  await writeFile(`${bin}/srun`, srun, { mode: 0o755 });
  const prelude = JSON.stringify({ prelude: [`export PATH=${bin}:$PATH`] });
  const run = await on.run("--profile", prelude, "--set", "resources.cores=2");
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
  const [{ job } = { job: "" }] = await on.changes("learnerAssigned");
  const output = await on.output(job);
  expect(output).toContain('pmi2 does not join two processes to one MPI world: {"world": 1');
  expect(output).toContain("Processes are started by mpiexec");
});

test("what the queue refuses pauses the run, in its words", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run(...inPartition("nowhere"));
  const { exitCode, stdout } = await run.ended;
  expect(stdout).toContain("invalid partition specified: nowhere");
  expect(stdout).toContain("sbatch --parsable");
  expect(exitCode).not.toBe(0);
  expect(await on.changes("submissionRefused")).toHaveLength(1);
});

test("jobs that can never start pause the run, with the reason", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const run = await on.run("--walltime", "2:00:00", ...inPartition("short"));
  const paused = await on.until("activityChanged", ({ reason }) => reason?.includes("can never start") === true);
  expect(paused.reason).toMatch(/its walltime is over the limit|no node of the partition has/);
  const { exitCode, stdout } = await run.ended;
  expect(stdout).toContain(paused.reason);
  expect(exitCode).not.toBe(0);
});

test("a limit of the queue is said, and lived with", async () => {
  const on = await SlurmStudy.create(slowPeaks(3), farGoal);
  const qos = JSON.stringify({ resources: { extraLines: ["#SBATCH --qos=few"] } });
  const run = await on.run("--max-jobs", "3", "--profile", qos);
  await run.line(
    (line) => line.includes("The queue takes no more jobs now") && line.includes("QOSMaxSubmitJobPerUserLimit"),
  );
  expect((await on.jobs()).length).toBeLessThanOrEqual(2);
  const learners = await on.finish(run);
  expect(learners.map(({ state, failures }) => ({ state, failures }))).toEqual(
    Array(3).fill({ state: "done", failures: 0 }),
  );
});

test("a run with jobs in the queue is not deleted when no scheduler serves it, nor when the queue does not answer", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), farGoal);
  const held = JSON.stringify({ resources: { extraLines: ["#SBATCH --hold"] } });
  const run = await on.run("--profile", held);
  await on.until("jobsSubmitted");
  run.child.kill("SIGKILL");
  await run.ended;
  const remove = (...prefix: string[]) => on.study.start(["delete", on.study.folder, "--yes"], prefix).ended;
  const refused = await remove();
  expect(refused.stderr).toContain("still has 1 job.");
  expect(refused.exitCode).toBe(2);
  const unknown = await remove("env", "SLURM_CONF=/nowhere/slurm.conf");
  expect(unknown.stderr).toContain("The queue does not say whether");
  expect(unknown.exitCode).not.toBe(0);
  expect(await on.jobs()).toHaveLength(1);
});
