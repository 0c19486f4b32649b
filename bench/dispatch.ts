/**
 * How long a scheduler takes to hand a learner out and take it back, both answers durable, beside a
 * bare echo of two messages through the same encrypted socket, and beside what the design aims for.
 *
 *   npm run bench:dispatch
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { openDealer } from "../src/scheduler/control/dealer";
import { RunDirectory } from "../src/scheduler/state/runDirectory";
import { Door, type DoorKeys } from "../src/scheduler/workers/door";
import { createRun, openStore, serveDesk } from "./benchRun";

interface Task {
  clients: number;
  /** Of each client. */
  pairs: number;
  keys: DoorKeys;
  port: number;
}

const rounds = 9;

/** The workers of all jobs, in a thread of their own: each asks, is done, and asks again. */
async function client({ clients, pairs, keys, port }: Task): Promise<void> {
  const address = { ...keys, host: "", pid: 0, urls: [`tcp://127.0.0.1:${port}`] };
  const workers = Array.from({ length: clients }, (_, i) => {
    const dealer = openDealer(address);
    const said = { v: 1, job: `1_${i + 1}`, restart: 0, instance: "bench", host: "n1", pid: 1 };
    return async (message: object) => {
      await dealer.send(JSON.stringify({ ...said, ...message }));
      const [frame] = await dealer.receive();
      return JSON.parse(String(frame)) as { type: string; learner?: number; epoch?: number };
    };
  });
  // Connecting is not what is measured.
  const hello = { type: "report", n: 0, learner: 0, epoch: 0, npoints: 0, loss: null };
  await Promise.all(workers.map((ask) => ask(hello)));
  const startedMs = performance.now();
  await Promise.all(
    workers.map(async (ask) => {
      for (let n = 1; n < 2 * pairs; n += 2) {
        const answer = await ask({ type: "start", n, resourceClass: "default", revision: "r" });
        const { type, learner = 0, epoch = 0 } = answer;
        if (type !== "assign" && type !== "start") throw new Error(`Answered ${JSON.stringify(answer)}.`);
        await ask({ type: "done", n: n + 1, learner, epoch, npoints: 100, loss: 0.1 });
      }
    }),
  );
  parentPort?.postMessage((performance.now() - startedMs) / 1000);
}

async function secondsOf(task: Task): Promise<number> {
  const worker = new Worker(__filename, { workerData: task });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

async function echoMs(clients: number, pairs: number): Promise<number> {
  const door = await Door.open("tcp://127.0.0.1:*");
  void door.serve((peer, message) => door.send(peer, message));
  const seconds = await secondsOf({ clients, pairs, keys: door.keys, port: door.port });
  await door.close();
  return (1000 * seconds) / (clients * pairs);
}

/** Milliseconds until a line of a journal is on disk. */
async function syncMs(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-bench-"));
  const file = openSync(join(folder, "journal"), "w");
  const line = Buffer.alloc(300, "x");
  const times = Array.from({ length: 101 }, () => {
    const startedMs = performance.now();
    writeSync(file, line);
    fdatasyncSync(file);
    return performance.now() - startedMs;
  });
  closeSync(file);
  await rm(folder, { recursive: true });
  return median(times);
}

async function schedulerMs(clients: number, pairs: number, prepared: RunDirectory, wasm: Uint8Array): Promise<number> {
  const directory = new RunDirectory(`${prepared.path}-round`);
  await cp(prepared.path, directory.path, { recursive: true });
  const store = await openStore(directory, wasm);
  const door = await serveDesk(store);
  const seconds = await secondsOf({ clients, pairs, keys: door.keys, port: door.port });
  await door.close();
  await store.close();
  await rm(directory.path, { recursive: true });
  return (1000 * seconds) / (clients * pairs);
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function main(): Promise<void> {
  const sizes = [
    [1, 1_000, 500],
    [1, 100_000, 500],
    [64, 1_000, 15],
    [64, 100_000, 60],
  ] as const;
  const wasm = await readFile(require.resolve("sql.js/dist/sql-wasm.wasm"));
  console.log(`milliseconds for a start and a done; medians of ${rounds} rounds, all kinds in turn\n`);
  console.log("clients  learners     echo     sync  scheduler      aim  of the aim  of the echo");
  for (const [clients, learners, pairs] of sizes) {
    const run = await createRun(learners, clients, wasm);
    const times: { echo: number; sync: number; scheduler: number; aim: number }[] = [];
    // The first round only has everything compiled.
    for (let round = 0; round <= rounds; round++) {
      const [echo, sync] = [await echoMs(clients, pairs), await syncMs()];
      const scheduler = await schedulerMs(clients, pairs, run, wasm);
      // Many share a sync; one alone waits for two of them.
      const aim = clients === 1 ? echo + 2 * (sync + 0.3) : 1.6 * echo;
      if (round > 0) times.push({ echo, sync, scheduler, aim });
    }
    await rm(run.path, { recursive: true });
    const cell = (of: (t: (typeof times)[number]) => number, width: number, digits: number) =>
      median(times.map(of)).toFixed(digits).padStart(width);
    console.log(
      [
        String(clients).padStart(7),
        String(learners).padStart(9),
        cell(({ echo }) => echo, 8, 3),
        cell(({ sync }) => sync, 8, 3),
        cell(({ scheduler }) => scheduler, 10, 3),
        cell(({ aim }) => aim, 8, 3),
        // Of times of the same round, in which the machine was equally busy.
        cell(({ scheduler, aim }) => scheduler / aim, 11, 2),
        cell(({ scheduler, echo }) => scheduler / echo, 12, 2),
      ].join(" "),
    );
  }
}

if (workerData) void client(workerData as Task);
else void main().then(() => process.exit());
