import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { NewChange } from "../../../src/scheduler/state/changes";
import { createFolders, createState } from "../../../src/scheduler/state/createState";
import { realDisk, type Disk } from "../../../src/scheduler/state/disk";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { mergeSettings } from "../../../src/scheduler/state/layers";
import { Store, systemWorld, type StoreWorld } from "../../../src/scheduler/state/store";

export const wasm = await readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));

export const defaultSettings = mergeSettings(
  { typed: {}, study: {}, profile: {} },
  { cores: 2, queue: "local" },
).settings;

/** The changes that make a run of Learner1D named `data/0`, `data/1`, … */
export function firstChanges(
  learners: number,
  settings = defaultSettings,
  place = { directory: "/study", inode: 1 },
): NewChange[] {
  return [
    {
      kind: "runCreated",
      runId: "test-run",
      name: "study",
      cluster: "local",
      learnersFile: "_learners.py",
      ...place,
    },
    { kind: "runConfigured", settings: JSON.stringify(settings), origins: "{}" },
    { kind: "codeRevised", revision: "r1", versions: "{}" },
    {
      kind: "learnersAdded",
      learners: Array.from({ length: learners }, (_, i) => ({
        id: asLearnerId(i),
        position: i,
        fname: `data/${i}`,
        combo: JSON.stringify({ offset: i }),
        type: "Learner1D",
        bounds: null,
        resourceClass: "default",
      })),
    },
  ];
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "adaptive-test-"));
  // What was just told to end may still write.
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return folder;
}

/** A run on disk that nobody serves. */
export async function createRunOnDisk(learners: number, settings = defaultSettings): Promise<RunDirectory> {
  const directory = new RunDirectory(await temporaryFolder());
  await createFolders(directory);
  await createState(directory, firstChanges(learners, settings), wasm, 0);
  return directory;
}

/** Opens a file that is closed with the test, if not before: some stores crash. */
export const openTestFile: Disk["open"] = async (path, flags, mode) => {
  const file = await open(path, flags, mode);
  onTestFinished(() => file.close().catch(() => undefined));
  return file;
};

/** Opens the store of a run; what the test does not name is the real world. */
export async function openStore(
  { path, folder }: RunDirectory,
  { openFile = openTestFile, ...world }: Partial<StoreWorld> & { openFile?: Disk["open"] } = {},
): Promise<Store> {
  const directory = new RunDirectory(path, folder, { ...realDisk, open: openFile });
  let isOver = false;
  const identity = { host: "head", pid: 1, version: "0" };
  const store = await Store.open(directory, wasm, identity, {
    ...systemWorld,
    confirmOwnership: () => Promise.resolve(),
    onDiskFull: () => undefined,
    onFatal: (error) => {
      // What it still writes when its files are closed under it is nobody's trouble.
      if (!isOver) throw error;
    },
    ...world,
  });
  onTestFinished(() => {
    isOver = true;
  });
  return store;
}

/** A learner is given to a job, which has just asked for the first time. */
export const assigned = (job: string, learner: number, epoch = 1): Extract<NewChange, { kind: "learnerAssigned" }> => ({
  kind: "learnerAssigned",
  learner: asLearnerId(learner),
  epoch,
  revision: "r1",
  job: asJobId(job),
  restart: 0,
  instance: "i",
  instances: 1,
  requestNumber: 1,
  host: "n1",
  npointsBefore: 0,
});

/** Names that are not UTF-8, as a file and as a folder. */
export async function putUnnamable(folder: string): Promise<void> {
  const named = (...end: number[]) => Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from(end)]);
  await mkdir(named(0xe9));
  await writeFile(named(0xe9, ...Buffer.from(".py")), "x = 1");
}
