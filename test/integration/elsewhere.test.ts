/** What `run` says, and ends with, when somebody does something to its run from elsewhere. */
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { fill, smallDisk } from "../smallDisk";
import { createStudy, eventually, init, killTree, output, peaks, Study } from "./program";

const last = (text: string) => text.trim().split("\n").at(-1) ?? "";

describe("a run in a terminal", () => {
  test.each(["of its own", "that serves it elsewhere"])(
    "with a scheduler %s says that it is paused, ends with a word when its jobs are stopped, and goes on",
    async (where) => {
      const study = await createStudy(peaks(2, 0.05), { goal: { npoints: 1000 } });
      if (where !== "of its own") {
        await init(study);
        await output(study, "serve", "--detach");
      }
      const run = study.run("--json");
      await run.line((line) => /"running":2/.test(line));
      await output(study, "pause");
      expect(await run.line((line) => line.includes("Paused from elsewhere"))).toContain("adaptive-scheduler start");
      await output(study, "stop");
      const { exitCode, stdout } = await run.ended;
      expect(exitCode).toBe(2);
      expect(last(stdout)).toContain("were stopped from elsewhere");
      expect(stdout).toMatch(/"event":"end".*"waiting":2/);
    },
  );

  test("whose scheduler is ended says that jobs go on, and that it is not done", async () => {
    const study = await createStudy(peaks(1, 0.05), { goal: { npoints: 1000 } });
    const run = study.run();
    await eventually(async () => (await study.jobPids()).length > 0);
    await eventually(() => Promise.resolve(/running/.test(run.printed())));
    await output(study, "stop", "--shut-down");
    const { exitCode, stdout } = await run.ended;
    expect(exitCode).toBe(2);
    expect(last(stdout)).toMatch(/scheduler was ended from elsewhere; jobs go on\. The same command/);
  });
});

test("who retries, pauses or cancels in a finished run leaves no scheduler behind", async () => {
  const study = await createStudy(peaks(1, 0), { goal: { npoints: 5 } });
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  const serves = async () =>
    (JSON.parse(await output(study, "status", "--json")) as { scheduler: object | null }).scheduler;
  await output(study, "pause");
  expect(await serves()).toBeNull();
  await output(study, "reopen", study.folder);
  expect(await serves()).toBeNull();
  expect(await study.start(["cancel", study.folder, "1_1"]).ended).toMatchObject({ exitCode: 2 });
  expect(await serves()).toBeNull();
});

test("on a full disk status says so, and Ctrl-C ends the run", async () => {
  const disk = await smallDisk("24m");
  const elsewhere = await createStudy("");
  const study = new Study(disk, elsewhere.home);
  await writeFile(study.learnersFile, peaks(1, 0.05));
  await writeFile(study.at("adaptive.json"), JSON.stringify({ goal: { npoints: 1000 } }));
  const run = study.run();
  let jobs = 1;
  await eventually(async () => (await study.jobPids()).length > 0);
  await fill(disk, 0);
  // The page that the journal ends in has room for some changes still.
  const refused = await eventually(async () => {
    const { stderr } = await study.start(["set", "--max-jobs", String(++jobs)]).ended;
    return stderr;
  });
  expect(refused).toMatch(/disk .* is full[^]*Make room/);
  const { stdout: status } = await study.start(["status"]).ended;
  expect(status).toMatch(/disk .* is full[^]*Make room/);
  run.child.kill("SIGINT");
  // What it would write down at its end it cannot: an error, which says what became of the jobs.
  const { stderr, exitCode } = await run.ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(/full[^]*jobs go on/) as string });
  for (const pid of await study.jobPids()) killTree(pid);
});
