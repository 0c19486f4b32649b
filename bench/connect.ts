/**
 * How long a scheduler takes to let in thousands of workers that start at once and to give each of
 * them a learner, beside a bare encrypted ROUTER of the same and of ZeroMQ's own backlog (100).
 *
 *   npm run bench:connect
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { readFile, rm } from "node:fs/promises";
import * as zmq from "zeromq";
import type { DoorKeys } from "../src/scheduler/workers/door";
import { createRun, openStore, serveDesk } from "./benchRun";

interface Task {
  /** The first of this process's workers. */
  first: number;
  workers: number;
  keys: DoorKeys;
  port: number;
}

const sizes = [1_000, 5_000];
const rounds = 3;
const clients = 2;

/** Half of the workers: each asks for a learner as those in jobs do, over a new connection where one is not answered. */
async function client({ first, workers, keys, port }: Task): Promise<zmq.Dealer[]> {
  const context = new zmq.Context({ maxSockets: 2 * workers });
  const ask = async (job: string, attemptMs: number): Promise<zmq.Dealer> => {
    const socket = new zmq.Dealer({
      context,
      linger: 0,
      receiveTimeout: attemptMs,
      curveServerKey: keys.serverKey,
      curvePublicKey: keys.clientPublicKey,
      curveSecretKey: keys.clientSecretKey,
    });
    socket.connect(`tcp://127.0.0.1:${port}`);
    const said = { v: 1, type: "start", restart: 0, instance: "bench", n: 1, host: "n1", pid: 1 };
    await socket.send(JSON.stringify({ ...said, job, resourceClass: "default", revision: "r" }));
    try {
      await socket.receive();
      return socket;
    } catch {
      socket.close();
      await setTimeout(1000);
      return ask(job, Math.min(2 * attemptMs, 24_000));
    }
  };
  return Promise.all(Array.from({ length: workers }, (_, i) => ask(`1_${first + i + 1}`, 3000)));
}

/** Seconds until all have their answer. */
async function secondsOf(workers: number, keys: DoorKeys, port: number): Promise<number> {
  const share = workers / clients;
  const processes = Array.from({ length: clients }, () => fork(__filename, { env: { ...process.env, CLIENT: "1" } }));
  await Promise.all(processes.map((process) => once(process, "message")));
  const startedMs = performance.now();
  await Promise.all(
    processes.map(async (child, i) => {
      child.send({ first: i * share, workers: share, keys, port } satisfies Task);
      await once(child, "message");
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(
    processes.map(async (process) => {
      process.disconnect();
      await once(process, "exit");
    }),
  );
  return seconds;
}

async function bare(workers: number, backlog: number): Promise<number> {
  const [server, worker] = [zmq.curveKeyPair(), zmq.curveKeyPair()];
  const router = new zmq.Router({ curveServer: true, curveSecretKey: server.secretKey, linger: 0, backlog });
  await router.bind("tcp://127.0.0.1:*");
  const port = Number(/:(\d+)$/.exec(router.lastEndpoint ?? "")?.[1]);
  void (async () => {
    for await (const frames of router) await router.send(frames);
  })();
  const keys = { serverKey: server.publicKey, clientPublicKey: worker.publicKey, clientSecretKey: worker.secretKey };
  const seconds = await secondsOf(workers, keys, port);
  router.close();
  return seconds;
}

async function scheduler(workers: number, wasm: Uint8Array): Promise<number> {
  const directory = await createRun(workers, workers, wasm);
  const store = await openStore(directory, wasm);
  const door = await serveDesk(store);
  const seconds = await secondsOf(workers, door.keys, door.port);
  await door.close();
  await store.close();
  await rm(directory.path, { recursive: true });
  return seconds;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function main(): Promise<void> {
  const wasm = await readFile(require.resolve("sql.js/dist/sql-wasm.wasm"));
  console.log(`seconds until all workers have a learner; medians of ${rounds} rounds, all kinds in turn\n`);
  console.log("workers  backlog 100  bare router  scheduler  of the bare");
  for (const workers of sizes) {
    const times: { short: number; peer: number; ours: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const [short, peer] = [await bare(workers, 100), await bare(workers, 4096)];
      times.push({ short, peer, ours: await scheduler(workers, wasm) });
    }
    const cell = (of: (t: (typeof times)[number]) => number, width: number, digits: number) =>
      median(times.map(of)).toFixed(digits).padStart(width);
    console.log(
      [
        String(workers).padStart(7),
        cell(({ short }) => short, 12, 2),
        cell(({ peer }) => peer, 12, 2),
        cell(({ ours }) => ours, 10, 2),
        cell(({ ours, peer }) => ours / peer, 12, 2),
      ].join(" "),
    );
  }
}

if (process.env["CLIENT"]) {
  // A socket that nobody has is closed.
  const kept: zmq.Dealer[] = [];
  const work = async (task: Task) => {
    kept.push(...(await client(task)));
    process.send?.("done");
  };
  process.once("message", (task: Task) => void work(task));
  process.once("disconnect", () => process.exit());
  process.send?.("ready");
} else void main().then(() => process.exit());
