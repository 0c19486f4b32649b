/**
 * How long a study takes from the command to its first job and its first point, for both forms of a
 * learners file and few or many learners.
 *
 *   npm run bench:first-point
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { RunDirectory } from "../src/scheduler/state/runDirectory";

const root = resolve(__dirname, "../..");
const program = join(root, "dist/scheduler/main.js");
const python = join(root, ".venv/bin/python");

const forms = {
  make_learner: `
def make_learner(combo):
    return adaptive.Learner1D(partial(f, **combo), bounds=(-1, 1))
def fname(combo):
    return f"data/{combo['k']}.pickle"
`,
  lists: `
learners = [adaptive.Learner1D(partial(f, **combo), bounds=(-1, 1)) for combo in combos]
fnames = [f"data/{combo['k']}.pickle" for combo in combos]
`,
};

const learnersFile = (form: keyof typeof forms, count: number) => `
import time
from functools import partial
import adaptive
def f(x, k):
    with open("points", "a") as file:
        file.write(f"{time.time()}\\n")
    return x
combos = [{"k": k} for k in range(${count})]
${forms[form]}`;

interface Seconds {
  init: number;
  /** From the program's start to the first job, once the run is made. */
  job: number;
  /** From the start of that job. */
  point: number;
}

async function measure(form: keyof typeof forms, count: number): Promise<Seconds> {
  const home = await mkdtemp(join(tmpdir(), "adaptive-bench-"));
  const folder = join(home, "study");
  const file = join(folder, "_learners.py");
  await mkdir(folder);
  await writeFile(file, learnersFile(form, count));
  await writeFile(join(folder, "adaptive.json"), JSON.stringify({ goal: { npoints: 20 } }));
  const start = (command: string): ChildProcess =>
    spawn(process.execPath, [program, command, "--learners", file, "--python", python, "--cores", "1"], {
      cwd: folder,
      env: { ...process.env, HOME: home },
      stdio: ["ignore", "ignore", "inherit"],
    });
  try {
    const initAt = Date.now();
    const [exitCode] = (await once(start("init"), "exit")) as [number | null];
    if (exitCode !== 0) throw new Error(`init ended with ${exitCode}.`);
    const runAt = Date.now();
    const run = start("run");
    const { jobs } = RunDirectory.ofStudy(file);
    const jobAt = await soon(async () => {
      const name = (await readdir(jobs)).find((name) => name.endsWith(".pid"));
      return name === undefined ? null : (await stat(join(jobs, name))).mtimeMs;
    });
    const pointAt = await soon(async () => {
      const [line] = (await readFile(join(folder, "points"), "utf8").catch(() => "")).split("\n");
      return line ? 1000 * Number(line) : null;
    });
    run.kill("SIGINT");
    await once(run, "exit");
    return { init: (runAt - initAt) / 1000, job: (jobAt - runAt) / 1000, point: (pointAt - jobAt) / 1000 };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Waits until there is something to see. */
async function soon<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const seen = await look();
    if (seen !== null) return seen;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function main(): Promise<void> {
  console.log("seconds\n\nform          learners    init  first job  first point after it");
  for (const form of ["make_learner", "lists"] as const) {
    for (const count of [100, 100_000]) {
      const { init, job, point } = await measure(form, count);
      const cells = [init.toFixed(1).padStart(7), job.toFixed(1).padStart(10), point.toFixed(1).padStart(21)];
      console.log([form.padEnd(12), String(count).padStart(9), ...cells].join(" "));
    }
  }
}

void main();
