import { readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
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

  test("names the learners that failed, and exits 1", async () => {
    const broken = peaks(2).replace("time.sleep", "1 / (offset - 0.1)\n    time.sleep");
    const study = await createStudy(broken, { goal: { npoints: 5 }, maxFailures: 2 });
    const { exitCode, stdout } = await study.run().ended;
    expect(exitCode).toBe(1);
    expect(stdout).toContain("1 done, 1 failed");
    expect(stdout).toMatch(/failed: data\/offset=0\.1\.pickle: failed 2 times: ZeroDivisionError/);
  });

  test("refuses a run that a living scheduler serves, with host and pid, and does it no harm", async () => {
    const study = await createStudy(peaks(2, 0.1), { goal: { npoints: 30 } });
    const first = study.run("--json");
    await first.line(isEvent("begin"));
    const second = await study.run().ended;
    expect(second.exitCode).toBe(2);
    expect(second.stderr).toContain(`already served by a scheduler on ${hostname()} (pid ${first.child.pid})`);
    const status = await study.start(["status", "--json"]).ended;
    expect(JSON.parse(status.stdout)).toMatchObject({ name: "peaks", scheduler: { pid: first.child.pid } });
    expect(await first.ended).toMatchObject({ exitCode: 0 });
  });
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
