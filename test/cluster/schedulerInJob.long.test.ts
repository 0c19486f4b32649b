import { mkdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { prepareStudy } from "../../src/remote/deploy/prepareStudy";
import { Session } from "../../src/remote/session";
import { systemClock } from "../../src/scheduler/state/clock";
import { createHome, endingSessions, headNode } from "../integration/deploy/headNode";
import { createStudy, eventually, peaks, python, type Study } from "../integration/program";
import { workerReplica } from "../integration/remote/workerReplica";
import { temporaryFolder } from "../unit/scheduler/runFixture";
import { claim, farGoal, slowPeaks } from "./slurmStudy";
import { slurm } from "./testCluster";

interface Report {
  scheduler: { host: string; pid: number } | null;
  learners: Record<string, number>;
}

beforeEach(() => claim("shared"));

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

test("on a site that ends what a session leaves running, a study goes on in a job when a person agrees", async () => {
  const home = await createHome();
  const folder = join(await temporaryFolder(), "peaks");
  await mkdir(folder);
  await writeFile(join(folder, "_learners.py"), peaks(2, 0.001));
  await writeFile(join(folder, "adaptive.json"), JSON.stringify({ goal: { npoints: 12 } }));
  const node = headNode(home, { SLURM_CONF: process.env["SLURM_CONF"] ?? "" });
  const cluster = await node.connect();
  const transport = endingSessions(node.transport);
  const questions: string[] = [];
  const { run } = await prepareStudy(
    {
      ...{ transport, clock: systemClock, signal: new AbortController().signal, runRoot: "~/runs", sender: "ada" },
      onStep: () => undefined,
      agree: () => Promise.resolve(true),
      offerJob: () => {
        questions.push("in a job?");
        return Promise.resolve(true);
      },
    },
    cluster,
    { learnersFile: join(folder, "_learners.py"), profile: { python }, typed: { set: { pollSeconds: 5 }, unset: [] } },
  );
  onTestFinished(async () => void (await node.call(cluster, "stop", run, "--shut-down").catch(() => undefined)));
  expect(questions).toEqual(["in a job?"]);
  // Whatever was attached ends with its session; the scheduler does not.
  const session = new Session(run, {
    reach: () => Promise.resolve({ transport, program: cluster.program, path: run }),
    replica: await workerReplica(),
    clock: systemClock,
    random: Math.random,
    log: () => undefined,
  });
  onTestFinished(() => session.dispose());
  await session.startJobs();
  await eventually(async () => (await session.query("overview", null)).learners.done === 2);
  const { scheduler } = JSON.parse(await node.call(cluster, "status", run, "--json")) as Report;
  expect(scheduler?.host).toMatch(/^n\d$/);
});
