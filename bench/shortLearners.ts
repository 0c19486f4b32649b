/**
 * How long many short learners take on two jobs of one core, beside two bare processes that run them
 * with `adaptive.BlockingRunner` and a pool of one process of the same kind.
 *
 *   npm run bench:short-learners
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");
const program = join(root, "dist/scheduler/main.js");
const python = join(root, ".venv/bin/python");
const mpiexec = join(root, ".venv/bin/mpiexec");
const learners = 200;
const points = 30;
const jobs = 2;

const learnersFile = `
from functools import partial
import adaptive
def f(x, k):
    return x * k
combos = [{"k": k} for k in range(${learners})]
learners = [adaptive.Learner1D(partial(f, **combo), bounds=(-1, 1)) for combo in combos]
fnames = [f"data/{combo['k']}.pickle" for combo in combos]
`;

const pools = {
  "process-pool": `
from concurrent.futures import ProcessPoolExecutor
executor = ProcessPoolExecutor(1)
`,
  loky: `
import loky
executor = loky.get_reusable_executor(1)
`,
  mpi4py: `
from mpi4py.futures import MPIPoolExecutor
executor = MPIPoolExecutor()
`,
};
type Pool = keyof typeof pools;

/** The share of the learners that is one process's. */
const bareRunner = (pool: Pool) => `
import sys
import warnings
import adaptive
from _learners import fnames, learners
if __name__ == "__main__":
    ${pools[pool].trim().replaceAll("\n", "\n    ")}
    for learner, fname in list(zip(learners, fnames))[int(sys.argv[1]) :: ${jobs}]:
        learner.load(fname)
        adaptive.BlockingRunner(learner, goal=lambda l: l.npoints >= ${points}, executor=executor)
        learner.save(fname)
    executor.shutdown()
`;

type Run = (folder: string, pool: Pool) => Promise<void>;

const bare: Run = async (folder, pool) => {
  await writeFile(join(folder, "bare.py"), bareRunner(pool));
  const words =
    pool === "mpi4py" ? [mpiexec, "-n", "2", python, "-m", "mpi4py.futures", "bare.py"] : [python, "bare.py"];
  await Promise.all(Array.from({ length: jobs }, (_, job) => succeed([...words, String(job)], folder)));
};

const ours: Run = async (folder, pool) => {
  const study = { goal: { npoints: points }, executor: pool };
  await writeFile(join(folder, "adaptive.json"), JSON.stringify(study));
  const learnersFile = join(folder, "_learners.py");
  const options = ["--learners", learnersFile, "--python", python, "--cores", "1", "--max-jobs", String(jobs)];
  await succeed([process.execPath, program, "run", ...options], folder);
};

/** Seconds that all learners would take at the pace of the middle half of them: the start is not what is measured. */
async function pace(folder: string): Promise<number> {
  const data = join(folder, "data");
  const names = await readdir(data);
  if (names.length !== learners) throw new Error(`There are ${names.length} files of ${learners} learners.`);
  const times = await Promise.all(names.map(async (name) => (await stat(join(data, name))).mtimeMs));
  const [first = 0, last = 0] = times
    .sort((a, b) => a - b)
    .filter((_, i) => i === learners / 4 || i === (3 * learners) / 4);
  return (2 * (last - first)) / 1000;
}

async function succeed([command = "", ...words]: string[], folder: string): Promise<void> {
  const env = { ...process.env, HOME: folder, OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
  const child = spawn(command, words, { cwd: folder, env, stdio: ["ignore", "ignore", "inherit"] });
  const [exitCode] = (await once(child, "exit")) as [number | null];
  if (exitCode !== 0) throw new Error(`${command} ${words.join(" ")} ended with ${exitCode}.`);
}

async function measured(run: Run, pool: Pool): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-bench-"));
  try {
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "_learners.py"), learnersFile);
    await run(folder, pool);
    return await pace(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  console.log(`${learners} learners of ${points} points, ${jobs} jobs of one core; seconds\n`);
  console.log("executor        bare    jobs  ratio");
  for (const pool of Object.keys(pools) as Pool[]) {
    const peer = await measured(bare, pool);
    const seconds = await measured(ours, pool);
    const cells = [
      peer.toFixed(1).padStart(7),
      seconds.toFixed(1).padStart(7),
      (seconds / peer).toFixed(1).padStart(6),
    ];
    console.log([pool.padEnd(12), ...cells].join(" "));
  }
}

void main();
