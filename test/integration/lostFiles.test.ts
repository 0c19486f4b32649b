import { readdir, readFile, rename, rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { createStudy, eventually, peaks, python } from "./program";

test("a file of epochs that is deleted while the run is served is made anew, and the learners get done", async () => {
  const study = await createStudy(peaks(3, 0.02), { goal: { npoints: 25 }, saveEverySeconds: 0.2 });
  const run = study.run("--json");
  await run.line((line) => /"running":2/.test(line));
  const before = await readFile(study.at(".adaptive", "epochs"));
  await rm(study.at(".adaptive", "epochs"));
  const after = await eventually(() => readFile(study.at(".adaptive", "epochs")).catch(() => null));
  // What holds a learner still does, or was given another epoch since.
  for (const learner of [0, 1]) {
    expect(after.readBigUInt64LE(8 * learner)).toBeGreaterThanOrEqual(before.readBigUInt64LE(8 * learner));
  }
  expect(await run.ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done", "done"]);
  expect(await readFile(study.at(".adaptive", "scheduler.log"), "utf8")).toContain(
    "epochs was gone or changed, and is made anew",
  );
});

test("a state folder that is deleted while the run is served ends the scheduler with its name", async () => {
  const study = await createStudy(peaks(1, 0.02), { goal: { npoints: 1000 } });
  const run = study.run("--json");
  await run.line((line) => /"running":1/.test(line));
  // Not deleted, so that the jobs are found and ended with the test.
  await rename(study.at(".adaptive"), study.at("elsewhere"));
  const { exitCode, stdout } = await run.ended;
  await rename(study.at("elsewhere"), study.at(".adaptive"));
  expect(exitCode).toBe(2);
  expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
    error: { code: "state-gone", message: `${study.at(".adaptive")} is gone.` },
  });
});

test("a learners file that has gone is named by whatever reads it; jobs have the code that the run had", async () => {
  const study = await createStudy(peaks(2, 0.001), { goal: { npoints: 3 } });
  await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
  await rm(study.learnersFile);
  const gone = `${study.learnersFile} is gone.`;
  const update = await study.start(["update", study.folder]).ended;
  expect(update).toMatchObject({ exitCode: 2, stdout: "" });
  expect(update.stderr).toContain(gone);
  expect(update.stderr).toContain("Put it back");

  const start = await study.start(["start", study.folder]).ended;
  expect(start.exitCode).toBe(0);
  expect(start.stdout).toContain(`so the run goes on with the code it has. ${gone}`);
  await eventually(async () => (await study.changes()).filter(({ kind }) => kind === "learnerDone").length === 2);
  const retry = await study.start(["retry", study.folder]).ended;
  expect(retry.exitCode).toBe(0);
  expect(retry.stdout).toContain(gone);
});

test("everything but the lock that is deleted at once, twice, is made anew before more jobs start, and a scheduler ends when told to", async () => {
  const study = await createStudy(peaks(4, 0.02), { goal: { npoints: 30 }, saveEverySeconds: 0.2 });
  const run = study.run("--json");
  const deleteAll = async (): Promise<void> => {
    const names = (await readdir(study.at(".adaptive"))).filter((name) => name !== "lock");
    for (const name of names) await rm(study.at(".adaptive", name), { recursive: true, force: true });
    // What a command finds a run by is back within seconds.
    await eventually(() => readFile(study.at(".adaptive", "run.json")).catch(() => null));
  };
  await run.line((line) => /"running":2/.test(line));
  await deleteAll();
  // Asked while its endpoint is gone: it is waited for, and says what it knows.
  const status = await study.start(["status", "--json"]).ended;
  expect(JSON.parse(status.stdout)).toMatchObject({ scheduler: { pid: run.child.pid }, activity: "active" });
  await deleteAll();
  const shutDown = await study.start(["stop", "--shut-down"]).ended;
  expect(shutDown).toMatchObject({ exitCode: 0, stdout: "The scheduler has ended; jobs go on.\n" });
  await run.ended;
  expect(await study.run("--json").ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done", "done", "done"]);
});

test("a scheduler that is frozen is said to live, and is named with what ends it", async () => {
  const study = await createStudy(peaks(1, 0.02), { goal: { npoints: 1000 } });
  const run = study.run("--json");
  await run.line((line) => /"running":1/.test(line));
  run.child.kill("SIGSTOP");
  const { stdout, exitCode } = await study.start(["status"]).ended;
  run.child.kill("SIGCONT");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("scheduler  lives, but cannot tell more");
  expect(stdout).toContain(`(pid ${run.child.pid}) has not answered for 10 s`);
  expect(stdout).toContain("stop --shut-down");
  expect(stdout).not.toContain("just ended");
});

test("data of done learners that was deleted is said by status, with and without a scheduler, and by run, until it is computed again", async () => {
  const study = await createStudy(peaks(3, 0.001), { goal: { npoints: 4 } });
  expect((await study.run().ended).exitCode).toBe(0);
  await rm(study.at("data", "offset=0.1.pickle"));
  const gone = "Data of done learners is gone: data/offset=0.1.pickle, of 3 learners done.";
  expect((await study.start(["status"]).ended).stdout).toContain(gone);

  const run = study.run("--stay");
  await run.line((line) => line.includes(gone));
  const served = await study.start(["status", "--json"]).ended;
  const { remark } = JSON.parse(served.stdout) as { remark: string };
  expect(remark).toContain(gone);
  const [, command = ""] = /computed again: adaptive-scheduler (.*)$/.exec(remark) ?? [];
  expect((await study.start(command.split(" ")).ended).exitCode).toBe(0);
  await eventually(() => readFile(study.at("data", "offset=0.1.pickle")).catch(() => null));
  await eventually(async () => {
    const { stdout } = await study.start(["status"]).ended;
    return stdout.includes("3 done") && !stdout.includes("gone");
  });
});
