import { chmod, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { createStudy, peaks, python, type Running, type Study } from "./program";

/** The runner script of the first version's README, which knows nothing of goals, stopping or fencing. */
const script = `
import adaptive
from adaptive_scheduler import client_support
from mpi4py.futures import MPIPoolExecutor

from _learners import learners, combos


url = "tcp://10.76.0.5:57681"  # ip of the headnode

if __name__ == "__main__":
    learner, fname = client_support.get_learner(url, learners, combos)
    learner.load(fname)
    ex = MPIPoolExecutor()
    runner = adaptive.Runner(
        learner,
        executor=ex,
        goal=None,  # run forever
        shutdown_executor=True,
        retries=10,
        raise_if_retries_exceeded=False,
    )
    runner.start_periodic_saving(dict(fname=fname), interval=600)
    runner.ioloop.run_until_complete(runner.task)  # wait until runner goal reached
    client_support.is_done(url, fname)
`;

/** Starts the study with that script where the default runner would be. */
async function runScript(study: Study, ...more: string[]): Promise<Running> {
  const wrapper = study.at("python");
  await writeFile(study.at("run_learner.py"), script);
  const asked = `*adaptive_scheduler.run) exec ${python} -m mpi4py.futures run_learner.py ;;`;
  await writeFile(wrapper, `#!/bin/sh\ncase "$*" in\n${asked}\n*) exec ${python} "$@" ;;\nesac\n`);
  await chmod(wrapper, 0o755);
  const profile = { launcher: "mpiexec", prelude: [`export PATH=${dirname(python)}:$PATH`] };
  return study.run("--python", wrapper, "--profile", JSON.stringify(profile), ...more);
}

test("a script of the first version runs unmodified, to the run's goal, with its data saved", async () => {
  const study = await createStudy(peaks(3, 0.01), { goal: { npoints: 12 } });
  const { exitCode, stdout } = await (await runScript(study)).ended;
  expect(stdout).toContain("3 done, 0 failed");
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
