import { expect, test } from "vitest";
import type { ListedJob } from "../../src/scheduler/control/protocol";
import { createStudy, eventually, peaks, python, type Study } from "./program";

async function output(study: Study, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await study.start(args).ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

async function liveJobs(study: Study): Promise<ListedJob[]> {
  return (JSON.parse(await output(study, "jobs", study.folder, "--json")) as { jobs: ListedJob[] }).jobs;
}

test("a shell in a running job has its environment and folder, and its exit code is the command's", async () => {
  const study = await createStudy(peaks(1, 0.2), { goal: { npoints: 100_000 } });
  const { folder, learnersFile } = study;
  const profile = JSON.stringify({ prelude: ["export GREETING=hello"] });
  const asked = ["--cluster", "local", "--python", python, "--profile", profile];
  await output(study, "init", "--learners", learnersFile, ...asked);
  await output(study, "start", folder);
  const isRunning = ({ state, fname }: ListedJob) => state === "running" && fname !== null;
  const { jobId } = await eventually(async () => (await liveJobs(study)).find(isRunning));

  const shell = study.start(["shell", folder, jobId]);
  shell.child.stdin?.end('echo "$GREETING from $PWD as ${ADAPTIVE_JOB_ID-nobody}"; exit 4\n');
  expect(await shell.ended).toMatchObject({ exitCode: 4, stdout: `hello from ${folder} as nobody\n` });
  expect((await liveJobs(study)).map((job) => job.jobId)).toEqual([jobId]);

  const unknown = await study.start(["shell", folder, "9_9"]).ended;
  expect(unknown).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("The run has no job 9_9.") as string });
  await output(study, "stop", folder);
  await eventually(async () => (await liveJobs(study)).length === 0);
  const late = await study.start(["shell", folder, jobId]).ended;
  expect(late).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`Job ${jobId} has ended`) as string });
});

test("jobs are listed and cancelled, which costs their learners nothing; set and pause hold while the run goes on", async () => {
  const study = await createStudy(peaks(4, 0.2), { goal: { npoints: 100_000 } });
  const { folder, learnersFile } = study;
  await output(study, "init", "--learners", learnersFile, "--python", python, "--max-jobs", "1");
  expect(await output(study, "jobs", folder)).toBe("No job is in the queue.\n");
  const nothing = await study.start(["set", folder]).ended;
  expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Nothing to set:") as string });
  await output(study, "start", folder);
  const busy = (count: number) =>
    eventually(async () => {
      const jobs = await liveJobs(study);
      return jobs.length === count && jobs.every(({ fname }) => fname !== null) && jobs;
    });
  const [first] = await busy(1);
  expect(first).toMatchObject({ state: expect.stringMatching(/submitted|running/) as string, cancelledAt: null });

  await output(study, "set", folder, "--max-jobs", "2");
  const [, second] = await busy(2);
  expect(second?.fname).not.toBe(first?.fname);
  const table = await output(study, "jobs", folder);
  expect(table.split("\n")[0]).toMatch(/^1_1 +(submitted|running) 0:\d\d .*data\/offset=0\.\d\.pickle/);

  await output(study, "pause", folder);
  await output(study, "cancel", folder, first?.jobId ?? "");
  expect((await busy(1))[0]?.jobId).toBe(second?.jobId);
  const { learners } = JSON.parse(await output(study, "status", folder, "--json")) as { learners: object };
  expect(learners).toMatchObject({ running: 1, waiting: 3, failed: 0 });

  const wrong = await study.start(["cancel", folder, "9_9"]).ended;
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("has no live job 9_9") as string });
  await output(study, "start", folder);
  await busy(2);
});
