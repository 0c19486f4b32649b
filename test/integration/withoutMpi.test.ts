import { expect, test } from "vitest";
import { createStudy, loadPoints, peaks } from "./program";

const noLibrary = JSON.stringify({ prelude: ["export MPI4PY_LIBMPI=/no/such/library"] });
const goal = { goal: { npoints: 10 } };

test.each(["auto", "process-pool", "loky"])("executor %s runs with an mpi4py that has no library", async (executor) => {
  const study = await createStudy(peaks(1, 0), { ...goal, executor });
  const { exitCode, stdout } = await study.run("--cores", "1", "--profile", noLibrary).ended;
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  expect(Math.min(...(await loadPoints(study)))).toBeGreaterThanOrEqual(10);
  // What MPI would give, and the one command that brings it.
  const said =
    /^Processes evaluate the points: mpi4py of \S+ finds no MPI library\. MPI could .*: \S+ -m pip install mpich$/gm;
  if (executor === "auto") expect(stdout.match(said)).toHaveLength(1);
  else expect(stdout).not.toContain("MPI");
});

test("what asks for MPI is refused without it, before any job, with the command that brings it and other Pythons", async () => {
  const study = await createStudy(peaks(1, 0), { ...goal, executor: "mpi4py" });
  const { exitCode, stderr } = await study.run("--profile", noLibrary).ended;
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(
    /^adaptive-scheduler: mpi4py of \S+ finds no MPI library, and MPI is what the settings ask for\.\n {2}\S+ -m pip install mpich\n {2}Or name another one with --python PATH: .*\n$/,
  );
});
