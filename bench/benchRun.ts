import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFolders, createState } from "../src/scheduler/state/createState";
import { mergeSettings } from "../src/scheduler/state/layers";
import { asJobId, asLearnerId } from "../src/scheduler/state/rows";
import { RunDirectory } from "../src/scheduler/state/runDirectory";
import { Store, systemWorld } from "../src/scheduler/state/store";
import { WorkerDesk } from "../src/scheduler/workers/desk";
import { Door } from "../src/scheduler/workers/door";
import { ProgressBoard } from "../src/scheduler/workers/progress";

/** A run whose learners wait and whose jobs are about to ask. */
export async function createRun(learners: number, jobs: number, wasm: Uint8Array): Promise<RunDirectory> {
  const directory = new RunDirectory(await mkdtemp(join(tmpdir(), "adaptive-bench-")));
  const { settings } = mergeSettings({ typed: {}, study: {}, profile: {} }, { cores: 2, queue: "local" });
  const run = { runId: "bench", name: "bench", cluster: "local", learnersFile: "_learners.py" };
  await createFolders(directory);
  await createState(
    directory,
    [
      { kind: "runCreated", ...run, directory: directory.path, inode: 0 },
      { kind: "runConfigured", settings: JSON.stringify(settings), origins: "{}" },
      { kind: "codeRevised", revision: "r", versions: "{}" },
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
        jobs: Array.from({ length: jobs }, (_, i) => ({ id: asJobId(`1_${i + 1}`), name: `bench-1_${i + 1}` })),
      },
    ],
    wasm,
    Date.now(),
  );
  return directory;
}

/** Its state as a scheduler has it, on a real disk. */
export function openStore(directory: RunDirectory, wasm: Uint8Array): Promise<Store> {
  return Store.open(
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
}

/** Answers workers, and does nothing else that a scheduler does. */
export async function serveDesk(store: Store): Promise<Door> {
  const nothing = {
    givesWay: () => false,
    onDidFree: () => undefined,
    onDidPreview: () => undefined,
    onDidFail: () => undefined,
    onDidRemark: () => undefined,
  };
  const desk = new WorkerDesk(store, new ProgressBoard(store.model), Date.now, nothing);
  const door = await Door.open("tcp://127.0.0.1:*");
  void door.serve((peer, message) => {
    void desk.answer(message).then((reply) => reply && door.send(peer, reply));
  });
  return door;
}
