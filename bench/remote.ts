/**
 * What a cluster over SSH costs: a person in seconds and bytes to connect, to install, to start a run and to attach,
 * beside what plain ssh takes in the same run; its head node in files, memory and operations on the shared file
 * system. Beside them what the design aims for.
 *
 *   npm run bench:remote
 *
 * The head node is this machine, its Slurm the one that SLURM_CONF names, or else the tests' own
 * (test/cluster/cluster.sh). Operations are counted by strace.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleFor } from "../src/remote/deploy/bundle";
import { platformOf } from "../src/remote/deploy/chooseNode";
import type { Session } from "../src/remote/session";
import { contentOf, type HeadProcess, operationsIn, processesOf } from "./headNode";
import { jobs, RemoteRun } from "./remoteRun";
import { distFolder, SshAccount, wireBytes } from "./sshAccount";

const rounds = 7;
const learners = 1000;
const minuteMs = 60_000;

const learnersFile = `
import time
from functools import partial
import adaptive
def f(x, k):
    time.sleep(0.05)
    return x + k / 1e4
combos = [{"k": k} for k in range(${learners})]
def make_learner(combo):
    return adaptive.Learner1D(partial(f, **combo), bounds=(-1, 1))
def fname(combo):
    return f"data/{combo['k']}.pickle"
`;

interface Cost {
  seconds: number;
  bytes: number;
}

async function costOf<T>(work: () => Promise<T>): Promise<Cost & { result: T }> {
  const [startedMs, before] = [performance.now(), wireBytes()];
  const result = await work();
  return { seconds: (performance.now() - startedMs) / 1000, bytes: wireBytes() - before, result };
}

/** What a person waits for, round after round, and what plain ssh takes for as much in the same rounds. */
class Step {
  private readonly costs: Cost[] = [];
  private readonly peers: Cost[] = [];

  constructor(
    private readonly name: string,
    private readonly peer: string,
  ) {}

  add(cost: Cost, peer: Cost): void {
    this.costs.push(cost);
    this.peers.push(peer);
  }

  print(): void {
    const seconds = median(this.costs.map((cost) => cost.seconds));
    const kilobytes = median(this.costs.map(({ bytes }) => bytes)) / 1000;
    const ratio = median(this.costs.map((cost, i) => cost.seconds / (this.peers[i]?.seconds ?? NaN)));
    const cells = [seconds.toFixed(2).padStart(9), kilobytes.toFixed(1).padStart(9), ratio.toFixed(1).padStart(8)];
    console.log(`${this.name.padEnd(26)}${cells.join("")} × ${this.peer}`);
  }
}

/** Connects to an empty home directory and installs. */
async function measureDeploy(account: SshAccount): Promise<void> {
  const connecting = new Step("connect, run a command", "ssh HOST true");
  const cold = new Step("look, install", "ssh HOST 'cat >FILE' of as much");
  const warm = new Step("look, it is installed", "ssh HOST true");
  let archive: Uint8Array | null = null;
  // The first round only has everything compiled.
  for (let round = 0; round <= rounds; round++) {
    await rm(account.place, { recursive: true, force: true });
    const plain = await costOf(() => account.plainSsh("true"));
    const connected = await costOf(async () => {
      const connection = await account.connect();
      await (
        await connection.exec(["true"], { stdin: "", signal: account.signal })
      ).exit;
      return connection;
    });
    const connection = connected.result;
    const installed = await costOf(() => account.prepare(connection));
    const content = (archive ??= await (await bundleFor(platformOf(installed.result.probe), distFolder)).archive());
    const copied = await costOf(() => account.plainSsh("cat >copy && rm copy", content));
    const found = await costOf(() => account.prepare(connection));
    connection.dispose();
    await connection.ended;
    if (round === 0) continue;
    connecting.add(connected, plain);
    cold.add(installed, copied);
    warm.add(found, plain);
  }
  for (const step of [connecting, cold, warm]) step.print();
  console.log(`\nsent to install: ${((archive?.length ?? 0) / 1e6).toFixed(2)} MB (aim: under 5)`);
}

/** A run's scheduler on the head node: its start, and attaching to it. */
async function measureAttach(run: RemoteRun, studyFile: string): Promise<Session> {
  const starting = await costOf(() => run.prepare(studyFile));
  const attaching = new Step("attach", "ssh HOST true");
  const again = new Step("attach after a cut", "ssh HOST true (aim: within a second)");
  let session: Session | null = null;
  for (let round = 0; round < rounds; round++) {
    session?.dispose();
    const plain = await costOf(() => run.account.plainSsh("true"));
    const attached = await costOf(() => run.attach());
    session = attached.result;
    await run.cut(session);
    const mirrored = session;
    // Whoever asks for something ends the pause before the next attempt.
    again.add(await costOf(() => mirrored.missedGoals()), plain);
    attaching.add(attached, plain);
  }
  const cells = [starting.seconds.toFixed(2).padStart(9), (starting.bytes / 1000).toFixed(1).padStart(9)];
  console.log(`${"send a study, start".padEnd(26)}${cells.join("")}`);
  attaching.print();
  again.print();
  if (session === null) throw new Error("No session was measured.");
  return session;
}

/** What the administrators of a head node find. */
async function measureHeadNode(run: RemoteRun, session: Session): Promise<void> {
  const { home, place } = run.account;
  const attached = await processesOf(home);
  const scheduler = attached.find(({ words }) => words.includes("serve"));
  if (scheduler === undefined) throw new Error("There is no scheduler.");
  await printContent("installed", place);
  await printContent("of a run", run.path);
  console.log(`\nresident MB\n${describe(attached)} while attached (aim: 90 for the scheduler)`);
  session.dispose();
  await run.leave();
  await sleep(2000);
  console.log(`${describe(await processesOf(home))} two seconds after the session`);

  console.log("\noperations of the scheduler on files in the home directory, in a minute");
  console.log(`idle: ${counted(await operationsIn(home, scheduler.pid, minuteMs))}`);
  const busy = await run.attach();
  await busy.startJobs();
  const done = async (): Promise<number> => (await busy.query("overview", null)).learners.done;
  while ((await done()) === 0) await sleep(100);
  const before = await done();
  const operations = await operationsIn(home, scheduler.pid, minuteMs);
  console.log(`busy, with ${(await done()) - before} learners done by ${jobs} jobs: ${counted(operations)}`);
  console.log(`\n${describe(await processesOf(home), "serve")} MB resident when busy`);
  await printContent("of a run with jobs", run.path);
  busy.dispose();
}

async function printContent(name: string, folder: string): Promise<void> {
  const { files, bytes } = await contentOf(folder);
  console.log(`left there, ${name}: ${files} files, ${(bytes / 1e6).toFixed(2)} MB`);
}

function describe(processes: readonly HeadProcess[], only?: string): string {
  return processes
    .map(({ words, residentMB }) => ({ name: words.find((word) => /^(serve|attach)$/.test(word)), residentMB }))
    .filter(({ name }) => only === undefined || name === only)
    .map(({ name, residentMB }) => `${name ?? "other"} ${residentMB.toFixed(0)}`)
    .join(", ");
}

function counted(operations: ReadonlyMap<string, number>): string {
  const sorted = [...operations].sort(([, a], [, b]) => b - a);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  return `${total} (${sorted.map(([name, count]) => `${name} ${count}`).join(", ")})`;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function main(): Promise<void> {
  if (!process.env["SLURM_CONF"]) {
    execFileSync(resolve(__dirname, "../../test/cluster/cluster.sh"), ["up"], { stdio: "inherit" });
    process.env["SLURM_CONF"] = "/var/lib/adaptive-test-cluster/slurm.conf";
  }
  const folder = await mkdtemp(join(tmpdir(), "adaptive-bench-"));
  const studyFile = join(folder, "bench/_learners.py");
  await mkdir(join(folder, "bench"));
  await writeFile(studyFile, learnersFile);
  await writeFile(join(folder, "bench/adaptive.json"), JSON.stringify({ goal: { npoints: 20 } }));
  const account = await SshAccount.create(folder, { SLURM_CONF: process.env["SLURM_CONF"] });
  const run = new RemoteRun(account);
  try {
    console.log(`medians of ${rounds} rounds; a study of ${learners} learners\n`);
    console.log(`${" ".repeat(26)}  seconds       kB    ratio`);
    await measureDeploy(account);
    await measureHeadNode(run, await measureAttach(run, studyFile));
  } finally {
    await run.end();
    await account.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

void main().then(() => process.exit());
