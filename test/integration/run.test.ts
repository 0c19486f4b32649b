import { readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { Change } from "../../src/scheduler/state/changes";
import { createStudy, eventually, loadPoints, peaks, python } from "./program";

const isEvent = (name: string) => (line: string) => line.includes(`"event":"${name}"`);
const eventsOf = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string } & Record<string, unknown>);

const assignments = (changes: readonly Change[]) =>
  changes.flatMap((change) => (change.kind === "learnerAssigned" ? [change.learner] : [])).sort((a, b) => a - b);

describe("run", () => {
  test("runs all learners to their goal as MPI jobs; again, there is nothing to do", async () => {
    const study = await createStudy(peaks(4), { goal: { npoints: 15 } });
    const { exitCode, stdout, stderr } = await study.run("--json").ended;
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    const events = eventsOf(stdout);
    expect(events[0]).toMatchObject({ event: "begin", resumed: false, learners: 4 });
    expect(events.at(-1)).toMatchObject({ event: "end", learners: { done: 4, failed: 0 }, failed: [] });
    for (const npoints of await loadPoints(study)) expect(npoints).toBeGreaterThanOrEqual(15);
    expect(await study.rows("submissions")).toMatchObject([{ count: 2, state: "submitted" }]);

    const again = await study.run().ended;
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(again.stdout).toContain("resumed with 4 done");
    expect(await study.rows("submissions")).toHaveLength(1);
    expect((await stat(study.at(".adaptive"))).mode & 0o777).toBe(0o700);
  });

  test("killed in the middle and started again: the jobs went on, no learner ran twice, none is lost", async () => {
    const study = await createStudy(peaks(6, 0.1), { goal: { npoints: 25 } });
    const first = study.run("--json");
    await first.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    const endpoint = JSON.parse(await readFile(study.at(".adaptive", "endpoint.json"), "utf8")) as {
      incarnation: number;
    };
    first.child.kill("SIGKILL");
    await first.ended;
    const before = await study.changes();
    expect(assignments(before)).toHaveLength(2);
    const { stdout: status } = await study.start(["status"]).ended;
    expect(status).toMatch(/jobs +2 running · as its last scheduler knew; .*jobs RUN asks the queue/);

    const second = study.run("--json");
    const begin = JSON.parse(await second.line(isEvent("begin"))) as object;
    expect(begin).toMatchObject({ resumed: true });
    const { exitCode, stdout } = await second.ended;
    expect(exitCode).toBe(0);
    expect(eventsOf(stdout).at(-1)).toMatchObject({ learners: { done: 6 } });
    const changes = await study.changes();
    expect(assignments(changes)).toEqual([0, 1, 2, 3, 4, 5]);
    const ended = changes.flatMap((change) => (change.kind === "jobEnded" ? [change] : []));
    ended.sort((a, b) => a.job.localeCompare(b.job));
    expect(ended).toEqual([
      expect.objectContaining({ job: "1_1", exitCode: 0 }),
      expect.objectContaining({ job: "1_2", exitCode: 0 }),
    ]);
    expect(changes.filter(({ kind }) => kind === "schedulerStarted")).toEqual([
      expect.objectContaining({ incarnation: endpoint.incarnation }),
      expect.objectContaining({ incarnation: endpoint.incarnation + 1 }),
    ]);
    for (const npoints of await loadPoints(study)) expect(npoints).toBeGreaterThanOrEqual(25);
  });

  test("interrupted, saves what it has and ends its jobs; again, goes on from there", async () => {
    const study = await createStudy(peaks(2, 0.1), { goal: { npoints: 60 } });
    const first = study.run("--json");
    await first.line((line) => isEvent("progress")(line) && Number(/"npoints":(\d+)/.exec(line)?.[1]) >= 10);
    first.child.kill("SIGINT");
    expect(await first.ended).toMatchObject({ exitCode: 130, stderr: "" });
    const saved = await loadPoints(study);
    expect(saved.reduce((sum, npoints) => sum + npoints)).toBeGreaterThanOrEqual(10);
    const released = (await study.changes()).filter(({ kind }) => kind === "learnerReleased");
    expect(released).toEqual([
      expect.objectContaining({ state: "waiting", failures: 0 }),
      expect.objectContaining({ state: "waiting", failures: 0 }),
    ]);

    const { exitCode, stdout } = await study.run("--json").ended;
    expect(exitCode).toBe(0);
    const resumed = eventsOf(stdout).find(({ event, npoints }) => event === "progress" && Number(npoints) > 0);
    expect(resumed?.npoints).toBeGreaterThanOrEqual(saved.reduce((sum, npoints) => sum + npoints));
  });

  test("goes on when nobody reads it and its terminal is closed; stop ends its jobs when it is dead", async () => {
    const study = await createStudy(peaks(2, 0.1), { goal: { npoints: 500 } });
    const run = study.run("--json");
    await run.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    run.child.kill("SIGHUP");
    const log = () => readFile(study.at(".adaptive", "scheduler.log"), "utf8");
    await eventually(async () => (await log()).includes("the terminal was closed"));
    const status = async () =>
      JSON.parse((await study.start(["status", "--json"]).ended).stdout) as { npoints: number; scheduler: unknown };
    // Frames are printed in between, which nobody reads.
    const { npoints } = await status();
    await eventually(async () => (await status()).npoints > npoints + 10);
    expect(await status()).toMatchObject({ scheduler: { pid: run.child.pid }, learners: { running: 2 } });
    run.child.kill("SIGKILL");
    await run.ended;

    expect(await study.start(["stop"]).ended).toMatchObject({ exitCode: 0, stderr: "" });
    await eventually(async () => (await study.changes()).filter(({ kind }) => kind === "jobEnded").length === 2);
    expect(await status()).toMatchObject({ activity: "stopped", learners: { waiting: 2, running: 0 }, jobs: {} });
    const full = await study.start(["status"], ["sh", "-c", 'exec "$@" >/dev/full', "sh"]).ended;
    expect(full).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("its disk is full") as string });
  });

  test("names the learners that failed, and exits 1", async () => {
    const broken = peaks(2).replace("time.sleep", "1 / (offset - 0.1)\n    time.sleep");
    const study = await createStudy(broken, { goal: { npoints: 5 }, maxFailures: 2 });
    const { exitCode, stdout } = await study.run().ended;
    expect(exitCode).toBe(1);
    expect(stdout).toContain("1 done, 1 failed");
    expect(stdout).toMatch(/failed: data\/offset=0\.1\.pickle: failed 2 times: ZeroDivisionError/);
  });

  test("of a run that is served follows it, and serves it when its scheduler dies", async () => {
    const study = await createStudy(peaks(3, 0.1), { goal: { npoints: 40 } });
    const first = study.run("--json", "--cores", "1");
    await first.line((line) => isEvent("progress")(line) && /"running":1/.test(line));
    const second = study.run("--json", "--cores", "2", "--port", "4567");
    const begin = await second.line(isEvent("begin"));
    expect(JSON.parse(begin)).toMatchObject({ resumed: true, learners: 3 });
    await second.line((line) => line.includes(`(pid ${first.child.pid}) serves this run already; it goes on there.`));
    await second.line((line) => line.includes("--port counts for nothing"));
    // What was typed here holds for the scheduler there.
    await first.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    await second.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    first.child.kill("SIGKILL");
    await second.line((line) => line.includes("has died; it goes on here."));
    const { exitCode, stdout, stderr } = await second.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(eventsOf(stdout).at(-1)).toMatchObject({ event: "end", learners: { done: 3 }, failed: [] });
    expect(assignments(await study.changes())).toEqual([0, 1, 2]);
  });

  test("two at once both end when all is done; Ctrl-C in one that follows stops the jobs", async () => {
    const study = await createStudy(peaks(2, 0.05), { goal: { npoints: 20 } });
    const both = [study.run("--json"), study.run("--json")];
    for (const { ended } of both) {
      const { exitCode, stdout, stderr } = await ended;
      expect(eventsOf(stdout).at(-1)).toMatchObject({ event: "end", learners: { done: 2 }, failed: [] });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    }
    await writeFile(study.at("adaptive.json"), JSON.stringify({ goal: { npoints: 2000 } }));
    expect(await study.start(["serve", "--detach"]).ended).toMatchObject({ exitCode: 0 });
    const following = study.run("--json", "--reopen");
    await following.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    following.child.kill("SIGINT");
    expect(await following.ended).toMatchObject({ exitCode: 130, stderr: "" });
    const status = await study.start(["status", "--json"]).ended;
    expect(JSON.parse(status.stdout)).toMatchObject({ activity: "stopped", scheduler: {}, jobs: {} });
  });
});

test("who only asks starts no scheduler, and the run goes on as before", async () => {
  const broken = peaks(2).replace("time.sleep", "1 / (offset - 0.1)\n    time.sleep");
  const study = await createStudy(broken, { goal: { npoints: 5 }, maxFailures: 1 });
  expect(await study.run().ended).toMatchObject({ exitCode: 1 });
  const questions = [
    { args: ["failures"], says: "ZeroDivisionError" },
    { args: ["failures", ".", "1"], says: "in peak" },
    { args: ["jobs"], says: "No job is in the queue." },
    { args: ["update", "--dry-run"], says: "The run has the study as it is." },
    { args: ["config"], says: "5 points" },
    { args: ["script"], says: "adaptive_scheduler.run" },
    { args: ["results"], says: "data/offset=0.0.pickle" },
    { args: ["shell", ".", "7_7"], says: "has no job 7_7" },
    { args: ["status"], says: "scheduler  none runs" },
  ];
  for (const { args, says } of questions) {
    const { stdout, stderr } = await study.start(args).ended;
    expect(stdout + stderr).toContain(says);
  }
  expect(await study.run().ended).toMatchObject({ exitCode: 1, stderr: "" });

  // Neither does a question that is asked while jobs run without a scheduler.
  const run = study.run("--json", "--reopen", "--goal", "npoints=100000");
  await run.line((line) => isEvent("progress")(line) && /"running":1/.test(line));
  run.child.kill("SIGKILL");
  await run.ended;
  const { stdout } = await study.start(["jobs", "--json"]).ended;
  const { jobs } = JSON.parse(stdout) as { jobs: { jobId: string; state: string; fname: string }[] };
  expect(jobs).toMatchObject([{ state: "running", fname: "data/offset=0.0.pickle" }]);
  const shell = study.start(["shell", ".", jobs[0]?.jobId ?? ""]);
  shell.child.stdin?.end("echo in $ADAPTIVE_RUN_DIR; exit 7\n");
  expect(await shell.ended).toMatchObject({ exitCode: 7 });
  expect((await study.start(["status"]).ended).stdout).toContain("scheduler  none runs");
});

test("a study without a goal of its own file runs to the goal function of its learners file", async () => {
  const study = await createStudy(`${peaks(2)}\ndef goal(learner):\n    return learner.npoints >= 9\n`);
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  expect((await loadPoints(study)).every((npoints) => npoints >= 9 && npoints < 15)).toBe(true);
});

test("what is edited in adaptive.json holds for a run that is resumed", async () => {
  const study = await createStudy(peaks(1), { goal: { npoints: 5 }, maxFailures: 2 });
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  await writeFile(study.at("adaptive.json"), JSON.stringify({ goal: { npoints: 8 } }));
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  const [run] = await study.rows("run");
  expect(JSON.parse(run?.settings ?? "")).toMatchObject({ goal: { npoints: 8 }, maxFailures: 3 });
});

describe("serve, stop and attach", () => {
  test("stopping gently lets running evaluations finish first", async () => {
    const slow = peaks(1).replace("time.sleep(0.02)", "time.sleep(1.5); open('evaluated', 'a').write('!')");
    const study = await createStudy(slow, { goal: { npoints: 500 } });
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await study.start(["serve", "--detach"]).ended).toMatchObject({ exitCode: 0 });
    expect((await study.start(["status"]).ended).stdout).toContain("paused (not started yet)");
    expect(await study.start(["start"]).ended).toMatchObject({ exitCode: 0 });
    const evaluated = () => readFile(study.at("evaluated"), "utf8").catch(() => "");
    await eventually(async () => (await evaluated()).length >= 2);
    await study.start(["stop", "--gently"]).ended;
    await eventually(async () => (await study.changes()).some(({ kind }) => kind === "jobEnded"));
    const released = (await study.changes()).find((change) => change.kind === "learnerReleased");
    expect(released).toMatchObject({ state: "waiting", npoints: (await evaluated()).length });
    expect(await loadPoints(study)).toEqual([(await evaluated()).length]);
  });

  test("stop saves all learners and cancels the jobs; the scheduler stays", async () => {
    const study = await createStudy(peaks(3, 0.1), { goal: { npoints: 500 } });
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await study.start(["start"]).ended).toMatchObject({ exitCode: 0 });
    const status = async () =>
      JSON.parse((await study.start(["status", "--json"]).ended).stdout) as Record<string, Record<string, number>>;
    await eventually(async () => (await status()).learners?.running === 2);
    expect(await study.start(["stop"]).ended).toMatchObject({ exitCode: 0 });
    const stopped = await eventually(async () => {
      const now = await status();
      return Object.keys(now.jobs ?? {}).length === 0 && now;
    });
    expect(stopped).toMatchObject({ activity: "stopped", learners: { waiting: 3, running: 0 } });
    expect(await study.start(["stop", "--shut-down"]).ended).toMatchObject({ exitCode: 0 });
    await eventually(async () => (await status()).scheduler === null);
  });
});
