import { copyFile, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createStudy, peaks, type Study } from "./program";

/** A study with a script that knows nothing of goals, stopping or fencing. */
async function studyWithScript(learnersFile: string, settings: object): Promise<Study> {
  const study = await createStudy(learnersFile, { script: "run_learner.py", ...settings });
  await copyFile("test/fixtures/first_version.py", study.at("run_learner.py"));
  return study;
}

// Each of its steps begins a world of MPI: on a slow machine ten of them take a while.
test(
  "a script of the first version runs every type of learner unmodified, step by step in two jobs",
  { timeout: 300_000 },
  async () => {
    const allTypes = await readFile("test/fixtures/all_types.py", "utf8");
    const study = await studyWithScript(allTypes, { goal: { npoints: 12 } });
    const { exitCode, stdout } = await study.run("--max-jobs", "2").ended;
    expect(stdout).toContain("10 done, 0 failed");
    expect(exitCode).toBe(0);
    for (const { npoints, epoch } of await study.rows("learners")) {
      expect(npoints).toBeGreaterThanOrEqual(12);
      expect(epoch).toBe(1);
    }
    expect(await study.rows("jobs")).toHaveLength(2);
  },
);

test("stopped, it saves and ends, although it knows nothing of stopping", async () => {
  const study = await studyWithScript(peaks(2, 0.1), { goal: { npoints: 1000 } });
  const running = study.run("--json");
  await running.line((line) => Number(/"npoints":(\d+)/.exec(line)?.[1]) >= 6);
  running.child.kill("SIGINT");
  expect((await running.ended).exitCode).toBe(130);
  const learners = await study.rows("learners");
  expect(learners.reduce((sum, { npoints }) => sum + npoints, 0)).toBeGreaterThanOrEqual(6);
  expect(learners.map(({ state, failures }) => [state, failures])).toEqual([
    ["waiting", 0],
    ["waiting", 0],
  ]);
});
