import { createReadStream } from "node:fs";
import { lstat } from "node:fs/promises";
import { join, relative } from "node:path";
import { isSafePath, pack } from "../control/pack";
import { errnoOf } from "../state/errors";
import { readModel } from "../state/recovery";
import type { RunDirectory } from "../state/runDirectory";
import { dataFiles, withDataframes } from "./overlap";

/** A data file of a run; one with the same size and time has the same content. */
export interface ResultFile {
  /** Relative to the run directory, with `/`. */
  path: string;
  size: number;
  modifiedMs: number;
}

const statsAtOnce = 64;

/** The learners' data files that exist, and the data frames beside them; what lies outside of the run's folder is not listed. */
export async function listResults(directory: RunDirectory, wasm: Uint8Array): Promise<ResultFile[]> {
  const model = await readModel(directory, wasm);
  const files = dataFiles(directory, model.learners.values()).flatMap(withDataframes);
  const paths = [...new Set(files.map((file) => relative(directory.path, file)))].filter(isSafePath);
  const found: ResultFile[] = [];
  for (let i = 0; i < paths.length; i += statsAtOnce) {
    const stats = await Promise.all(paths.slice(i, i + statsAtOnce).map((path) => look(directory.path, path)));
    found.push(...stats.filter((file) => file !== null));
  }
  return found;
}

/** Some files of a folder, as a pack; what has gone meanwhile is left out. */
export async function* packResults(folder: string, paths: readonly string[]): AsyncGenerator<Uint8Array> {
  const files = [];
  for (const path of paths.filter(isSafePath)) {
    const found = await look(folder, path);
    if (found) files.push({ path, size: found.size, isExecutable: false });
  }
  yield* pack(files, (path) => createReadStream(join(folder, path)));
}

async function look(folder: string, path: string): Promise<ResultFile | null> {
  try {
    const stats = await lstat(join(folder, path));
    return stats.isFile() ? { path, size: stats.size, modifiedMs: Math.floor(stats.mtimeMs) } : null;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
}
