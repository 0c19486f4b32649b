import { chmod, copyFile, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { createStudy, peaks, python, type Running, type Study } from "./program";

/** It knows nothing of goals, stopping or fencing. */
const script = "test/fixtures/first_version.py";

/** Starts the study with that script where the default runner would be. */
async function runScript(study: Study, ...more: string[]): Promise<Running> {
  const wrapper = study.at("python");
  await copyFile(script, study.at("run_learner.py"));
  const asked = `*adaptive_scheduler.run) exec ${python} -m mpi4py.futures run_learner.py ;;`;
  await writeFile(wrapper, `#!/bin/sh\ncase "$*" in\n${asked}\n*) exec ${python} "$@" ;;\nesac\n`);
  await chmod(wrapper, 0o755);
  const profile = { launcher: "mpiexec", prelude: [`export PATH=${dirname(python)}:$PATH`] };
  return study.run("--python", wrapper, "--profile", JSON.stringify(profile), ...more);
}

test("a script of the first version runs every type of learner unmodified, to the run's goal, with its data saved", async () => {
  const study = await createStudy(await readFile("test/fixtures/all_types.py", "utf8"), { goal: { npoints: 12 } });
  const { exitCode, stdout } = await (await runScript(study)).ended;
  expect(stdout).toContain("10 done, 0 failed");
  expect(exitCode).toBe(0);
  for (const { npoints, epoch } of await study.rows("learners")) {
    expect(npoints).toBeGreaterThanOrEqual(12);
    expect(epoch).toBe(1);
  }
});

test("stopped, it saves and ends, although it knows nothing of stopping", async () => {
  const study = await createStudy(peaks(2, 0.1), { goal: { npoints: 1000 } });
  const running = await runScript(study, "--json");
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
