import { lstat, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { clusterOfQueue } from "../clusters/ofQueue";
import { runCommand } from "../clusters/runCommand";
import { AdaptiveError, errnoOf, toAdaptiveError } from "../state/errors";
import type { Model } from "../state/model";
import { readModel } from "../state/recovery";
import type { RunDirectory, RunFile } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { dataFiles, withDataframes } from "./overlap";
import { placementIn } from "./place";

/** Files and what they take. */
export interface Heap {
  files: number;
  bytes: number;
}

/** What deleting a run would move away. */
export interface Deletion {
  run: RunFile;
  state: Heap;
  /** The learners' data. */
  data: Heap;
  /** Paths of the data files, relative to the run directory. */
  dataFiles: readonly string[];
  /** Data files outside the run directory, which always stay. */
  outside: readonly string[];
  isCopy: boolean;
  liveJobs: number;
}

/**
 * Looks at what belongs to a run that nobody serves. A run whose state cannot be read may be deleted
 * as well; then nothing is known of its data.
 */
export async function planDeletion(directory: RunDirectory, wasm: Uint8Array): Promise<Deletion> {
  const run = await directory.readRunFile();
  const model = await modelOf(directory, wasm);
  const isCopy = model !== null && (await placementIn(directory, model.run)) === "copied";
  const data = model ? await existing(dataFiles(directory, model.learners.values()).flatMap(withDataframes)) : [];
  const paths = data.map((file) => relative(directory.path, file));
  const inside = paths.filter((path) => !path.startsWith(".."));
  return {
    run,
    state: await heapOf(directory.own),
    data: sum(await Promise.all(inside.map((path) => heapOf(join(directory.path, path))))),
    dataFiles: inside,
    outside: paths.filter((path) => path.startsWith("..")),
    isCopy,
    // The jobs of a copy are the original's.
    liveJobs: isCopy ? 0 : await countLiveJobs(directory, run, model),
  };
}

/**
 * Moves a run into its folder's trash, by renaming alone: nothing is deleted, and moving it back
 * restores it.
 *
 * @param data paths of data files that go with it, relative to the run directory
 * @returns where it is now
 * @throws AdaptiveError `other-file-system` before anything was moved
 */
export async function moveToTrash(
  directory: RunDirectory,
  { runId, name }: RunFile,
  data: readonly string[],
  now: Date,
): Promise<string> {
  await checkFileSystem(directory, data);
  const place = join(
    directory.trash,
    `${name}-${runId.slice(0, 8)}-${now.toISOString().slice(0, 19).replaceAll(":", "-")}`,
  );
  await mkdir(directory.trash, { recursive: true, mode: 0o700 });
  // Who deletes may do so because the disk is full.
  await writeFile(join(directory.trash, ".gitignore"), "*\n").catch(() => undefined);
  await mkdir(place);
  await rename(directory.own, join(place, directory.folder));
  for (const path of data) {
    await mkdir(dirname(join(place, path)), { recursive: true });
    await rename(join(directory.path, path), join(place, path));
  }
  return place;
}

async function modelOf(directory: RunDirectory, wasm: Uint8Array): Promise<Model | null> {
  try {
    return await readModel(directory, wasm);
  } catch (error) {
    if (error instanceof AdaptiveError) return null;
    throw error;
  }
}

/**
 * What the run's own queue has of it.
 * @throws AdaptiveError `queue-silent`: what nobody knows may be running
 */
async function countLiveJobs({ jobs: folder }: RunDirectory, run: RunFile, model: Model | null): Promise<number> {
  const queue = model ? settingsOf(model.run).queue : run.cluster === "local" ? "local" : "slurm";
  const cluster = clusterOfQueue(queue, { folder, ...run });
  try {
    const jobs = await runCommand(cluster.list(model?.liveJobs ?? new Set()));
    return jobs.filter(({ state }) => state !== "ended").length;
  } catch (error) {
    const unresolved = [...(model?.submissions.values() ?? [])].filter(({ state }) => state === "submitting");
    if (model?.liveJobs.size === 0 && unresolved.length === 0) return 0;
    const { message } = toAdaptiveError(error);
    throw new AdaptiveError(
      "queue-silent",
      `The queue does not say whether ${run.name} still has jobs: ${message}`,
      "Nothing was moved. Try again when it answers; jobs must not lose the state that they run on.",
    );
  }
}

async function existing(files: readonly string[]): Promise<string[]> {
  const stats = await Promise.all(files.map(statOrNull));
  return [...new Set(files.filter((_, i) => stats[i]?.isFile()))];
}

async function heapOf(path: string): Promise<Heap> {
  const stats = await statOrNull(path);
  if (!stats) return { files: 0, bytes: 0 };
  if (!stats.isDirectory()) return { files: 1, bytes: stats.size };
  return sum(await Promise.all((await readdir(path)).map((name) => heapOf(join(path, name)))));
}

function sum(heaps: readonly Heap[]): Heap {
  return heaps.reduce((a, b) => ({ files: a.files + b.files, bytes: a.bytes + b.bytes }), { files: 0, bytes: 0 });
}

async function checkFileSystem(directory: RunDirectory, data: readonly string[]): Promise<void> {
  const { dev } = await lstat(directory.path);
  for (const path of [directory.folder, ...data]) {
    if ((await lstat(join(directory.path, path))).dev === dev) continue;
    throw new AdaptiveError(
      "other-file-system",
      `${join(directory.path, path)} is on another file system than ${directory.path}, so it cannot be moved to the trash there.`,
      "Nothing was moved. Delete the run without its data, and the data yourself.",
    );
  }
}

/** What a link points to is not ours to count or move. */
async function statOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}
