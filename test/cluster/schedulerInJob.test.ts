import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { createStudy, eventually, python, type Study } from "../integration/program";
import { farGoal, slowPeaks } from "./slurmStudy";
import { slurm } from "./testCluster";

interface Report {
  scheduler: { host: string; pid: number } | null;
  learners: Record<string, number>;
}

const settings = ["--set", "pollSeconds=5", "--max-jobs", "1"];

/** Again while the scheduler's job waits for the jobs of other tests. */
async function call(study: Study, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await study.start([...args, "--json"]).ended;
  if (stdout.includes('"scheduler-queued"')) return call(study, ...args);
  expect({ exitCode, stdout: exitCode === 0 ? "" : stdout, stderr }).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  return stdout;
}

const report = async (study: Study) => JSON.parse(await call(study, "status", study.folder)) as Report;

/** Schedulers' jobs of this run that are in the queue. */
async function schedulerJobs(study: Study): Promise<string[]> {
  const { runId } = JSON.parse(await readFile(study.at(".adaptive", "run.json"), "utf8")) as { runId: string };
  const listed = await slurm("squeue", "--noheader", `--name=adaptive-scheduler-${runId.slice(0, 8)}`, "--format=%i");
  return listed.split("\n").filter((id) => id !== "");
}

test("a scheduler runs in a job of its own: it is found, leads the jobs, hands over before its walltime, and comes again", async () => {
  const study = await createStudy(slowPeaks(1), farGoal);
  await call(study, "init", "--learners", study.learnersFile, "--cluster", "slurm", "--python", python, ...settings);
  await call(study, "serve", study.folder, "--detach", "--in-job");
  const { scheduler: first } = await report(study);
  expect(first?.host).toMatch(/^n\d$/);
  expect(first?.host).not.toBe(hostname());

  await call(study, "start", study.folder);
  await eventually(async () => (await report(study)).learners["running"] === 1);
  // As the queue does a minute before the walltime is over.
  const [job = ""] = await schedulerJobs(study);
  await slurm("scancel", "--batch", "--signal=USR1", job);
  const second = await eventually(async () => {
    const [next, ...more] = await schedulerJobs(study);
    return next !== undefined && next !== job && more.length === 0 ? next : null;
  });
  await eventually(async () => (await report(study)).scheduler !== null);
  expect((await report(study)).learners["running"]).toBe(1);

  // Cancelled, it hands over to nobody; whoever needs one has it started again.
  await slurm("scancel", second);
  await eventually(async () => (await schedulerJobs(study)).length === 0);
  await writeFile(study.at("fast"), "");
  await call(study, "start", study.folder);
  expect((await report(study)).scheduler?.host).toMatch(/^n\d$/);
  await eventually(async () => (await report(study)).learners["done"] === 1);
  await call(study, "stop", study.folder, "--shut-down");
  await eventually(async () => (await schedulerJobs(study)).length === 0);
});

test("a scheduler whose job waits in the queue says so, and is not submitted twice", async () => {
  const study = await createStudy(slowPeaks(1), farGoal);
  await slurm("scontrol", "create", "PartitionName=closed", "Nodes=n1", "State=DOWN");
  onTestFinished(async () => void (await slurm("scontrol", "delete", "PartitionName=closed")));
  const partition = ["--set", "resources.partition=closed"];
  await call(study, "init", "--learners", study.learnersFile, "--cluster", "slurm", "--python", python, ...partition);
  for (let i = 0; i < 2; i++) {
    const { exitCode, stdout } = await study.start(["serve", study.folder, "--detach", "--in-job", "--json"]).ended;
    expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
      exitCode: 2,
      error: {
        code: "scheduler-queued",
        message: expect.stringMatching(/^The scheduler waits in the queue as job \d+ \(/),
      },
    });
  }
  const jobs = await schedulerJobs(study);
  expect(jobs).toHaveLength(1);
  await slurm("scancel", ...jobs);
  await eventually(async () => (await schedulerJobs(study)).length === 0);
});
