import { readdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Results } from "../../src/scheduler/control/protocol";
import { createStudy, peaks, python, type Study } from "./program";

const tryPoint = (study: Study, ...more: string[]) =>
  study.start(["try", "--learners", study.learnersFile, "--cluster", "local", "--python", python, ...more]).ended;

test("a point of some learners is evaluated in a job; nothing is saved, and no learner is started", async () => {
  const study = await createStudy(peaks(5), { goal: { npoints: 100 } });
  const { exitCode, stdout } = await tryPoint(study, "--json");
  expect(exitCode).toBe(0);
  const { trials, proposal } = JSON.parse(stdout) as Results["tryLearners"];
  expect(trials.map(({ id }) => id)).toEqual([0, 2, 4]);
  for (const { trial } of trials) {
    expect(trial).toMatchObject({ error: null, value: expect.stringMatching(/^-?\d/) as string });
    expect(trial.seconds).toBeGreaterThanOrEqual(0.02);
    expect(trial.megabytes).toBeGreaterThan(10);
  }
  expect(proposal).toMatchObject({ cores: 1, walltime: "0:10:00" });
  expect(await readdir(study.folder)).not.toContain("data");
  const kinds = (await study.changes()).map(({ kind }) => kind);
  expect(kinds).not.toContain("learnerAssigned");
  const [run] = await study.rows("run");
  expect(run).toMatchObject({ activity: "paused", reason: "not started yet", deathsBeforeStart: 0 });

  expect(await study.run("--goal", "npoints=5").ended).toMatchObject({ exitCode: 0 });
});

test("a point that raises shows the traceback of the study's own code; corrected, it is tried anew", async () => {
  const broken = peaks(3).replace("time.sleep", "1 / (offset - 0.2)\n    time.sleep");
  const study = await createStudy(broken);
  const { exitCode, stdout } = await tryPoint(study, "--learner", "data/offset=0.2.pickle");
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/data\/offset=0\.2\.pickle {2}failed: ZeroDivisionError/);
  expect(stdout).toMatch(/_learners\.py", line \d+, in peak/);
  await writeFile(study.learnersFile, peaks(3));
  const again = await tryPoint(study, "--learner", "2", "--learner", "0");
  expect(again.exitCode).toBe(0);
  expect(again.stdout).toContain("The study was edited: the same learners, with other code.");
  expect(again.stdout).toMatch(/data\/offset=0\.2\.pickle {2}.* ms .* MB {3}f\(.*\) = /);
  expect((await tryPoint(study, "--learner", "absent*")).stderr).toContain("No learner matches absent*.");
});

test("a job that dies before it can tell is said so, with where its output is", async () => {
  const dying = peaks(1).replace("time.sleep", "import os, signal\n    os.killpg(0, signal.SIGKILL)\n    time.sleep");
  const study = await createStudy(dying);
  const { exitCode, stdout } = await tryPoint(study, "--set", "launcher=none", "--set", "executor=process-pool");
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/failed: /);
});
