/**
 * How many learners a scheduler hands out and takes back in a second, each answer durable, beside a
 * bare echo through the same encrypted socket in the same run. A pair is a `start` and a `done`.
 *
 *   npm run bench:dispatch
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { openDealer } from "../src/scheduler/control/dealer";
import { createFolders, createState } from "../src/scheduler/state/createState";
import { asJobId, asLearnerId } from "../src/scheduler/state/rows";
import { RunDirectory } from "../src/scheduler/state/runDirectory";
import { mergeSettings } from "../src/scheduler/state/layers";
import { Store, systemWorld } from "../src/scheduler/state/store";
import { WorkerDesk } from "../src/scheduler/workers/desk";
import { Door, type DoorKeys } from "../src/scheduler/workers/door";
import { ProgressBoard } from "../src/scheduler/workers/progress";

interface Task {
  clients: number;
  pairs: number;
  keys: DoorKeys;
  port: number;
}

const rounds = 5;

/** The workers of all jobs, in a thread of their own: each asks, is done, and asks again. */
async function client({ clients, pairs, keys, port }: Task): Promise<void> {
  const address = { ...keys, host: "", pid: 0, urls: [`tcp://127.0.0.1:${port}`] };
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const dealer = openDealer(address);
      const said = { v: 1, job: `1_${i + 1}`, restart: 0, instance: "bench", host: "n1", pid: 1 };
      const ask = async (message: object) => {
        await dealer.send(JSON.stringify({ ...said, ...message }));
        const [frame] = await dealer.receive();
        return JSON.parse(String(frame)) as { learner?: number; epoch?: number };
      };
      for (let n = 1; n <= 2 * Math.ceil(pairs / clients); n += 2) {
        const { learner = 0, epoch = 0 } = await ask({ type: "start", n, resourceClass: "default", revision: "r" });
        await ask({ type: "done", n: n + 1, learner, epoch, npoints: 100, loss: 0.1 });
      }
      dealer.close();
    }),
  );
  parentPort?.postMessage((performance.now() - startedMs) / 1000);
}

async function secondsOf(task: Task): Promise<number> {
  const worker = new Worker(__filename, { workerData: task });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

async function echoPairsPerSecond(clients: number, pairs: number): Promise<number> {
  const door = await Door.open("tcp://127.0.0.1:*");
  void door.serve((peer, message) => door.send(peer, message));
  const seconds = await secondsOf({ clients, pairs, keys: door.keys, port: door.port });
  await door.close();
  return pairs / seconds;
}

async function schedulerPairsPerSecond(clients: number, pairs: number, learners: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-bench-"));
  const directory = new RunDirectory(folder);
  const wasm = await readFile(require.resolve("sql.js/dist/sql-wasm.wasm"));
  const { settings } = mergeSettings({ typed: {}, study: {}, profile: {} }, 2);
  await createFolders(directory);
  await createState(
    directory,
    [
      {
        kind: "runCreated",
        runId: "bench",
        name: "bench",
        cluster: "local",
        learnersFile: "_learners.py",
        directory: folder,
        inode: 0,
      },
      { kind: "runConfigured", settings: JSON.stringify(settings), origins: "{}" },
      {
        kind: "learnersAdded",
        learners: Array.from({ length: learners }, (_, i) => {
          const described = { type: "Learner1D", bounds: null, resourceClass: "default" };
          return { id: asLearnerId(i), position: i, fname: `data/${i}`, combo: `{"x":${i}}`, ...described };
        }),
      },
      {
        kind: "jobsSubmitted",
        submission: 1,
        resourceClass: "default",
        jobs: Array.from({ length: clients }, (_, i) => ({ id: asJobId(`1_${i + 1}`), name: `bench-1_${i + 1}` })),
      },
    ],
    wasm,
    Date.now(),
  );
  const store = await Store.open(
    directory,
    wasm,
    { host: "bench", pid: process.pid, version: "bench" },
    {
      ...systemWorld,
      confirmOwnership: () => Promise.resolve(),
      onDiskFull: () => undefined,
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const nothing = { onDidFree: () => undefined, onDidPreview: () => undefined, onDidFail: () => undefined };
  const desk = new WorkerDesk(store, new ProgressBoard(store.model), nothing);
  const door = await Door.open("tcp://127.0.0.1:*");
  void door.serve((peer, message) => {
    void desk.answer(message).then((reply) => reply && door.send(peer, reply));
  });
  const seconds = await secondsOf({ clients, pairs, keys: door.keys, port: door.port });
  await door.close();
  await store.close();
  await rm(folder, { recursive: true });
  return pairs / seconds;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function main(): Promise<void> {
  console.log(`pairs of start and done per second, medians of ${rounds} rounds, echo and scheduler in turn\n`);
  console.log("clients  learners      echo  scheduler  echo/scheduler");
  for (const [clients, learners, pairs] of [
    [1, 1_000, 500],
    [64, 1_000, 1_000],
    [64, 100_000, 4_000],
  ] as const) {
    const echo: number[] = [];
    const scheduler: number[] = [];
    for (let round = 0; round < rounds; round++) {
      echo.push(await echoPairsPerSecond(clients, pairs));
      scheduler.push(await schedulerPairsPerSecond(clients, pairs, learners));
    }
    const [e, s] = [median(echo), median(scheduler)];
    const cells = [String(clients).padStart(7), String(learners).padStart(9), e.toFixed(0).padStart(9)];
    console.log([...cells, s.toFixed(0).padStart(10), (e / s).toFixed(2).padStart(15)].join(" "));
  }
}

if (workerData) void client(workerData as Task);
else void main().then(() => process.exit());
