import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { wheelsFor } from "../../src/remote/deploy/wheels";
import { localTransport } from "../../src/remote/localTransport";
import { makeEnvironment } from "../../src/remote/pythons";
import { connectSsh } from "../../src/remote/ssh/connect";
import type { Transport } from "../../src/remote/transport";
import { systemClock } from "../../src/scheduler/state/clock";
import { temporaryFolder } from "../unit/scheduler/runFixture";
import { createStudy, programFile, python, type Study } from "./program";
import { startSshd } from "./remote/ssh/realSshd";
import { sshWorld } from "./remote/ssh/sshWorld";
import { tinyWheels } from "./tinyWheels";

/** A point is evaluated by a rank of the job's own world. */
const inRanks = `
import adaptive

def size(x):
    from mpi4py import MPI
    return MPI.COMM_WORLD.Get_size()

learners = [adaptive.Learner1D(size, bounds=(0, 1))]
fnames = ["data/sizes.pickle"]
combos = [{}]
`;

afterEach(() => void vi.unstubAllEnvs());

test("an environment with MPI is all that an MPI job needs", { timeout: 900_000 }, async () => {
  const study = await createStudy(inRanks, { goal: { npoints: 5 } });
  const { exitCode, stdout } = await study.start(["environment", "--mpi", "--python", python, "--json"]).ended;
  const said = stdout.trimEnd().split("\n").at(-1) ?? "";
  expect({ exitCode, said: JSON.parse(said) as unknown }).toEqual({
    exitCode: 0,
    said: { python: study.at(".venv/bin/python") },
  });
  await runsInRanks(study);
});

test(
  "an environment is made on a machine that reaches no packages, of those that this computer fetches",
  { timeout: 300_000 },
  async () => {
    vi.stubEnv("PIP_NO_INDEX", "1");
    vi.stubEnv("PIP_FIND_LINKS", await tinyWheels(python));
    await madeOfWheels(await createStudy(inRanks), localTransport, false);
  },
);

test("so is one with MPI, over SSH, of what the index really has", { timeout: 900_000 }, async () => {
  const sshd = await startSshd(() => []);
  onTestFinished(() => sshd.stop());
  const connection = await connectSsh("hpc", sshWorld({ hpc: sshd.host }), new AbortController().signal);
  onTestFinished(() => connection.dispose());
  const study = await createStudy(inRanks, { goal: { npoints: 5 } });
  await madeOfWheels(study, connection, true);
  await runsInRanks(study);
});

async function runsInRanks(study: Study): Promise<void> {
  const own = study.at(".venv/bin/python");
  const settings = ["--set", "resources.cores=2", "--set", "executor=mpi4py"];
  const { exitCode, stdout } = await study.run("--python", own, ...settings).ended;
  expect({ exitCode, end: exitCode === 0 ? "" : stdout.slice(-3000) }).toEqual({ exitCode: 0, end: "" });
  // Both of its workers and the one that chooses.
  const values = "import _learners as s; s.learners[0].load(s.fnames[0]); print(*set(s.learners[0].data.values()))";
  const read = await promisify(execFile)(python, ["-c", values], { cwd: study.folder });
  expect(read.stdout).toBe("3\n");
}

/** Makes an environment beside the study, on a machine that itself reaches no packages. */
async function madeOfWheels(study: Study, transport: Transport, withMpi: boolean): Promise<void> {
  const place = await temporaryFolder();
  const remote = { host: "hpc", architecture: "x86_64", glibc: "2.36", place };
  const prelude = ["export PIP_NO_INDEX=1; unset PIP_FIND_LINKS"];
  const machine = {
    ...{ transport, clock: systemClock, folder: study.folder, python, remote, prelude },
    program: { argv: [process.execPath, programFile], env: { HOME: study.home } },
  };
  const { signal } = new AbortController();
  const steps: string[] = [];
  let version = "";
  const making = { onStep: (step: string) => steps.push(step), onVersion: (one: string) => (version = one), signal };
  const wish = { folder: study.at(".venv"), python, prelude, withMpi, mayAdd: false, wheels: null };
  await expect(makeEnvironment(machine, wish, making)).rejects.toMatchObject({ code: "no-index" });

  const made = await wheelsFor(
    machine,
    remote,
    { withMpi, version },
    { ...making, cause: "no route to host" },
    (wheels) => makeEnvironment(machine, { ...wish, wheels }, making),
  );
  expect(made).toBe(study.at(".venv/bin/python"));
  expect(steps).toEqual(
    expect.arrayContaining([expect.stringContaining("Fetching"), expect.stringContaining("Sending")]),
  );
  // What was sent is gone again.
  expect(await readdir(join(place, "incoming"))).toEqual([]);
}
