import { ask } from "../control/dealer";
import { readModel } from "../state/recovery";
import type { RunDirectory } from "../state/runDirectory";
import type { RunRow } from "../state/rows";
import type { StartOptions } from "../study/settings";
import { findScheduler } from "./launch";
import type { Program } from "./program";

/** What the next start of a study would go by. */
export interface NextStart {
  options: StartOptions;
  directory: RunDirectory;
  /** Null before there is a run. */
  row: RunRow | null;
}

export async function nextStart(options: StartOptions, directory: RunDirectory, program: Program): Promise<NextStart> {
  return { options, directory, row: (await directory.hasRun()) ? await readRunRow(directory, program) : null };
}

/** The row of a run, from its scheduler or, when none lives, from disk. */
export async function readRunRow(directory: RunDirectory, { assets }: Pick<Program, "assets">): Promise<RunRow> {
  await directory.readRunFile();
  const address = await findScheduler(directory);
  if (address) return (await ask(address, "status", {})).run;
  return (await readModel(directory, await assets.wasm())).run;
}
