import { effects, type Change, type NewChange } from "./changes";
import { Database } from "./database";
import { writeFileAtomically } from "./files";
import type { RunDirectory } from "./runDirectory";

/** The folders that every run has. */
export async function createFolders(directory: RunDirectory): Promise<void> {
  for (const folder of [
    directory.own,
    directory.outbox,
    directory.jobs,
    directory.at("code"),
    directory.at("client"),
  ]) {
    await directory.disk.mkdir(folder, { recursive: true, mode: 0o700 });
  }
}

/** Writes the state that the first changes of a run make, as the first snapshot. */
export async function createState(
  directory: RunDirectory,
  changes: readonly NewChange[],
  wasm: Uint8Array,
  time: number,
): Promise<void> {
  const database = await Database.open(null, wasm);
  try {
    const numbered = changes.map((change, i): Change => ({ ...change, seq: i + 1, time }));
    database.apply(numbered.flatMap(effects));
    await writeFileAtomically(directory.database, database.export(), 0o600, directory.disk);
  } finally {
    database.close();
  }
  const count = changes.reduce(
    (sum, change) => sum + (change.kind === "learnersAdded" ? change.learners.length : 0),
    0,
  );
  await writeFileAtomically(directory.epochs, Buffer.alloc(8 * count), 0o600, directory.disk);
}
