import { mkdir, readdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import * as v from "valibot";
import { errnoOf, isDiskFull, toAdaptiveError } from "./errors";
import { isNotThere, readWhole, writeFileAtomically } from "./files";
import { RunDirectory, type RunFile } from "./runDirectory";

const entrySchema = v.object({
  /** The run's state folder, absolute. */
  state: v.pipe(
    v.string(),
    v.check((path) => isAbsolute(path) && !path.includes("\0")),
  ),
  name: v.string(),
  created: v.string(),
});

/** A run of this user, by what its file in the home directory says; it may have gone since. */
export interface RegisteredRun {
  runId: string;
  name: string;
  /** ISO 8601. */
  created: string;
  directory: RunDirectory;
}

/**
 * Leaves a small file in the home directory, by which the run is found again from anywhere.
 *
 * @returns what to say where a home that is full, or not writable, takes none: the run does without
 */
export async function registerRun(
  { runId, name, created }: RunFile,
  { own, path }: RunDirectory,
): Promise<string | null> {
  try {
    await mkdir(registry(), { recursive: true, mode: 0o700 });
    await writeFileAtomically(entryOf(runId), JSON.stringify({ state: own, name, created }));
    return null;
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    const why = isDiskFull(error) ? "its disk is full" : toAdaptiveError(error).message;
    return `${registry()} cannot be written (${why}), so that list does not show this run: name its folder, ${path}.`;
  }
}

export function forgetRun(runId: string): Promise<void> {
  return rm(entryOf(runId), { force: true });
}

/** The runs of this user on this machine, oldest first; files that are not of ours are passed over. */
export async function registeredRuns(): Promise<RegisteredRun[]> {
  const names = await readdir(registry()).catch((error: unknown) => {
    if (isNotThere(error)) return [];
    throw error;
  });
  const found = await Promise.all(names.filter((name) => name.endsWith(".json")).map(readEntry));
  return found.filter((run) => run !== null).sort((a, b) => a.created.localeCompare(b.created));
}

async function readEntry(name: string): Promise<RegisteredRun | null> {
  try {
    const entry = v.parse(entrySchema, JSON.parse(String(await readWhole(join(registry(), name)))));
    const { state, ...rest } = entry;
    return { runId: name.slice(0, -".json".length), directory: RunDirectory.ofStateFolder(state), ...rest };
  } catch (error) {
    if (isNotThere(error) || error instanceof SyntaxError || v.isValiError(error)) return null;
    throw error;
  }
}

function entryOf(runId: string): string {
  return join(registry(), `${runId}.json`);
}

function registry(): string {
  return join(homedir(), ".adaptive-scheduler", "runs");
}
