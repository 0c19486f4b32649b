import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { python } from "../integration/program";
import { SlurmStudy, slowPeaks } from "./slurmStudy";

const goal = { goal: { npoints: 10 } };
const noLibrary = ["export MPI4PY_LIBMPI=/no/such/library"];

test("without an MPI library processes on a job's first node evaluate the points, and the run says so", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), goal);
  const run = await on.run(
    ...["--set", "resources.cores=4", "--set", "resources.nodes=2"],
    ...["--profile", JSON.stringify({ prelude: noLibrary })],
  );
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
  const nodes = new Set((await on.evaluations(0)).map(({ node }) => node));
  expect(nodes.size).toBe(1);
  const [row] = await on.study.rows("run");
  expect(row?.remark).toMatch(
    /^Processes evaluate the points: mpi4py of \S+ finds no MPI library\. Of a job's 2 nodes only the first computes; .*: \S+ -m pip install mpich$/,
  );
  expect(run.printed()).toContain("finds no MPI library. MPI could use several nodes for one learner: ");
});

test("where no launcher joins processes of a library that is there, processes evaluate the points", async () => {
  const on = await SlurmStudy.create(slowPeaks(1), goal);
  const programs = on.study.at("programs");
  await mkdir(programs);
  for (const name of ["srun", "mpiexec"]) await writeFile(join(programs, name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  // Beside that of the tests lies the launcher of its MPI.
  await writeFile(join(programs, "python"), `#!/bin/sh\nexec '${python}' "$@"\n`, { mode: 0o755 });
  const run = await on.run(
    ...["--python", join(programs, "python")],
    ...["--profile", JSON.stringify({ prelude: [`PATH='${programs}':$PATH`] })],
  );
  const [learner] = await on.finish(run);
  expect(learner).toMatchObject({ state: "done", failures: 0 });
  const said = /Processes evaluate the points: no MPI launcher joins two processes of \S+ on n\d\. MPI could .*mpich/;
  expect(run.printed()).toMatch(said);
});

test("the executors that need no MPI run with an mpi4py that has no library", async () => {
  const runs = ["process-pool", "loky"].map(async (executor) => {
    const on = await SlurmStudy.create(slowPeaks(1), { ...goal, executor });
    const run = await on.run("--profile", JSON.stringify({ prelude: noLibrary }));
    const [learner] = await on.finish(run);
    expect(learner).toMatchObject({ state: "done", failures: 0 });
    expect(run.printed()).not.toContain("MPI");
  });
  await Promise.all(runs);
});
