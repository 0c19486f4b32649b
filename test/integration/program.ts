import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, onTestFinished } from "vitest";
import type { Change } from "../../src/scheduler/state/changes";
import { Database } from "../../src/scheduler/state/database";
import type { Row, TableName } from "../../src/scheduler/state/rows";

const root = resolve(import.meta.dirname, "../..");
export const python = join(root, ".venv/bin/python");
export const programFile = join(root, "dist/scheduler/main.js");

/** A learners file of peaks at several offsets; each point takes a little while. */
export const peaks = (learners: number, secondsPerPoint = 0.02) => `
import time
from functools import partial
import adaptive

def peak(x, offset):
    time.sleep(${secondsPerPoint})
    return x + 0.01**2 / (0.01**2 + (x - offset) ** 2)

combos = adaptive.utils.named_product(offset=[i / 10 for i in range(${learners})])
learners = [adaptive.Learner1D(partial(peak, **combo), bounds=(-1, 1)) for combo in combos]
fnames = [f"data/offset={combo['offset']}.pickle" for combo in combos]
`;

/** A study in a folder of its own, with a home directory beside it; all its jobs are ended with the test. */
export async function createStudy(learnersFile: string, settings: object = {}): Promise<Study> {
  const base = await mkdtemp(join(tmpdir(), "adaptive-study-"));
  const folder = join(base, "peaks");
  await mkdir(folder);
  await writeFile(join(folder, "_learners.py"), learnersFile);
  await writeFile(join(folder, "adaptive.json"), JSON.stringify(settings));
  const study = new Study(folder, join(base, "home"));
  onTestFinished(async () => {
    await study.endEverything();
    // What was just told to end may still write.
    await rm(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  });
  return study;
}

/** A running command of the program. */
export interface Running {
  child: ChildProcess;
  /** What it has printed so far. */
  printed(): string;
  /** Waits for a line of standard output that the test looks for, and gives it. */
  line(isWanted: (line: string) => boolean): Promise<string>;
  ended: Promise<{ exitCode: number | null; stdout: string; stderr: string }>;
}

export class Study {
  private readonly children = new Set<ChildProcess>();

  constructor(
    readonly folder: string,
    readonly home: string,
  ) {}

  get learnersFile(): string {
    return join(this.folder, "_learners.py");
  }

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Starts `run` on this study. */
  run(...more: string[]): Running {
    return this.start(["run", "--learners", this.learnersFile, "--cluster", "local", "--python", python, ...more]);
  }

  /** Starts any command of the program. */
  start(args: readonly string[], prefix: readonly string[] = []): Running {
    const [command = process.execPath, ...rest] = [...prefix, process.execPath, programFile, ...args];
    const child = spawn(command, rest, {
      cwd: this.folder,
      env: { ...process.env, HOME: this.home, NODE_OPTIONS: "" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.children.add(child);
    const printed = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => (printed[name] += text));
    }
    const lines = createInterface({ input: child.stdout });
    return {
      child,
      printed: () => printed.stdout + printed.stderr,
      line: async (isWanted) => {
        const closed = once(lines, "close").then(() => "closed" as const);
        for (;;) {
          // One piece of output may hold several lines.
          const found = printed.stdout.split("\n").slice(0, -1).find(isWanted);
          if (found !== undefined) return found;
          if ((await Promise.race([once(lines, "line"), closed])) === "closed") {
            throw new Error(`It ended:\n${printed.stdout}${printed.stderr}`);
          }
        }
      },
      ended: once(child, "close").then(([exitCode]) => ({ exitCode: exitCode as number | null, ...printed })),
    };
  }

  /** All changes in the journals, oldest first. */
  async changes(): Promise<Change[]> {
    const names = (await readdir(this.at(".adaptive"))).filter((name) => name.startsWith("journal-"));
    const texts = await Promise.all(names.map((name) => readFile(this.at(".adaptive", name), "utf8")));
    return texts
      .flatMap((text) => text.split("\n").slice(0, -1))
      .map((line) => JSON.parse(line) as Change)
      .sort((a, b) => a.seq - b.seq);
  }

  /** The rows of a table of the newest snapshot. */
  async rows<T extends TableName>(table: T): Promise<Row<T>[]> {
    const wasm = await readFile(join(root, "dist/sql-wasm.wasm"));
    const database = await Database.open(await readFile(this.at(".adaptive", "database.sqlite")), wasm);
    const rows = database.rows(table);
    database.close();
    return rows;
  }

  async endEverything(): Promise<void> {
    for (const child of this.children) if (child.exitCode === null) child.kill("SIGKILL");
    await this.start(["stop", this.folder, "--shut-down"]).ended;
    for (const pid of await this.jobPids()) killTree(pid);
  }

  async jobPids(): Promise<number[]> {
    const folder = this.at(".adaptive", "jobs");
    const names = await readdir(folder).catch(() => []);
    const files = names.filter((name) => name.endsWith(".pid"));
    return Promise.all(files.map(async (name) => Number.parseInt(await readFile(join(folder, name), "utf8"))));
  }
}

/** Points of each data file, as `adaptive` itself loads them; none of one that it cannot read. */
export async function loadPoints(study: Study): Promise<number[]> {
  const script = `
import sys, json; sys.path.insert(0, ".")
from _learners import learners, fnames
for learner, fname in zip(learners, fnames): learner.load(fname)
print(json.dumps([learner.npoints for learner in learners]))`;
  const { stdout } = await promisify(execFile)(python, ["-c", script], { cwd: study.folder });
  return JSON.parse(stdout) as number[];
}

/** Waits until `check` gives something; for what happens outside of this process. */
export async function eventually<T>(check: () => Promise<T | null | undefined | false>): Promise<T> {
  for (;;) {
    const value = await check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function killTree(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Runs a command that must succeed, and gives what it printed. */
export async function output(study: Study, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await study.start(args).ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

/** Makes the run of a study, without starting it. */
export const init = (study: Study, ...more: string[]) =>
  output(study, "init", "--learners", study.learnersFile, "--python", python, ...more);
