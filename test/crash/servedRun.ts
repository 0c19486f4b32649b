import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createFolders, createState } from "../../src/scheduler/state/createState";
import { bootId, processStart } from "../../src/scheduler/state/processIdentity";
import { recover } from "../../src/scheduler/state/recovery";
import { asJobId, type RunRow } from "../../src/scheduler/state/rows";
import { RunDirectory, type RunFile } from "../../src/scheduler/state/runDirectory";
import { readEndpoint } from "../../src/scheduler/workers/endpoint";
import { programFile } from "../integration/program";
import { defaultSettings, firstChanges, wasm } from "../unit/scheduler/runFixture";
import type { Chance } from "./chance";
import { audit, type Findings } from "./ledger";
import { Worker, type Current } from "./workers";

/**
 * A run that the real program serves and that is killed again and again. Its jobs are one process
 * that sleeps: the workers of this test speak for them.
 */
export class ServedRun implements Current {
  endpoint: Current["endpoint"] = null;
  private readonly jobs: readonly string[];
  private readonly workers: readonly Worker[];
  private working: Promise<unknown> = Promise.resolve();
  private child: ChildProcess | null = null;

  private constructor(
    readonly directory: RunDirectory,
    jobs: number,
    chance: Chance,
  ) {
    this.jobs = Array.from({ length: jobs }, (_, i) => `1_${i + 1}`);
    this.workers = this.jobs.map((job) => new Worker(job, this, chance.fork()));
  }

  /** Makes the run, and has its workers ask for learners from now on. */
  static async create(path: string, size: { learners: number; jobs: number }, chance: Chance): Promise<ServedRun> {
    const run = new ServedRun(new RunDirectory(path), size.jobs, chance);
    const { directory } = run;
    await createFolders(directory);
    // There is room for these jobs and no others.
    const settings = { ...defaultSettings, maxJobs: size.jobs, budget: size.jobs, maxFailures: 1_000_000 };
    const place = { directory: directory.path, inode: await directory.inode() };
    const jobs = run.jobs.map((id) => ({ id: asJobId(id), name: `study-${id}` }));
    const submitted = { kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs } as const;
    await createState(directory, [...firstChanges(size.learners, settings, place), submitted], wasm, 0);
    await run.pretendJobs();
    const file: RunFile = {
      version: 1,
      runId: "test-run",
      name: "study",
      study: join(path, "_learners.py"),
      cluster: "local",
      created: new Date(0).toISOString(),
    };
    await writeFile(directory.runFile, JSON.stringify(file));
    onTestFinished(() => run.kill());
    run.working = Promise.all(run.workers.map((worker) => worker.work()));
    return run;
  }

  /**
   * Starts the scheduler and returns when it answers.
   * @returns null, or what it printed when it ended instead
   */
  async serve(): Promise<string | null> {
    const child = spawn(process.execPath, [programFile, "serve", this.directory.path], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child = child;
    let printed = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (printed += text));
    for (;;) {
      const endpoint = await readEndpoint(this.directory.endpoint).catch(() => null);
      if (endpoint?.pid === child.pid) {
        this.endpoint = endpoint;
        return null;
      }
      if (child.exitCode !== null) return printed;
      await sleep(5);
    }
  }

  /** Asks the scheduler to end, and kills it a moment later, in the middle of its last snapshot perhaps. */
  async killWhileEnding(afterMs: number): Promise<void> {
    this.child?.kill("SIGTERM");
    await sleep(afterMs);
    await this.kill();
  }

  async kill(): Promise<void> {
    this.endpoint = null;
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Has the workers end and holds what they were answered against what is on disk. */
  async finish(): Promise<{ run: RunRow; findings: Findings & { contradictions: number } }> {
    const refusal = await this.serve();
    if (refusal !== null) throw new Error(`It cannot be served any more: ${refusal}`);
    await sleep(200);
    for (const worker of this.workers) worker.end();
    await this.working;
    await this.kill();
    const { model, database } = await recover(this.directory, wasm);
    database.close();
    const exchanges = this.workers.flatMap((worker) => worker.exchanges);
    const contradictions = this.workers.reduce((sum, worker) => sum + worker.contradictions, 0);
    for (const worker of this.workers) worker.close();
    const findings = audit(exchanges, model.learners, await readFile(this.directory.epochs));
    return { run: model.run, findings: { ...findings, contradictions } };
  }

  private async pretendJobs(): Promise<void> {
    const sleeper = spawn("sleep", ["infinity"], { stdio: "ignore" });
    onTestFinished(() => void sleeper.kill("SIGKILL"));
    const identity = `${sleeper.pid} ${processStart(sleeper.pid ?? 0)} ${bootId()}\n`;
    for (const job of this.jobs) await writeFile(join(this.directory.jobs, `${job}.pid`), identity);
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
