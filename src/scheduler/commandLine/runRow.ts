import { ask } from "../control/dealer";
import { recover } from "../state/recovery";
import type { RunDirectory } from "../state/runDirectory";
import type { RunRow } from "../state/rows";
import { findScheduler } from "./launch";
import type { Program } from "./program";

/** The row of a run, from its scheduler or, when none lives, from disk. */
export async function readRunRow(directory: RunDirectory, { assets }: Pick<Program, "assets">): Promise<RunRow> {
  await directory.readRunFile();
  const address = await findScheduler(directory);
  if (address) return (await ask(address, "status", {})).run;
  const { model, database } = await recover(directory, await assets.wasm());
  database.close();
  return model.run;
}
