import { effects, type Change } from "./changes";
import { Database } from "./database";
import { AdaptiveError, errnoOf } from "./errors";
import { isNotThere, readWhole } from "./files";
import { readJournal } from "./journal";
import { Model } from "./model";
import { primaryKey, type RowPatch, type TableName } from "./rows";
import type { RunDirectory } from "./runDirectory";

/** What is on disk: the newest snapshot with the changes of the journals behind it. */
export interface Recovered {
  model: Model;
  database: Database;
  /** Whether it is the snapshot before, because the newest is gone or damaged. */
  isFromPrevious: boolean;
  /** The last change that the snapshot holds. */
  snapshotSeq: number;
  /** Bytes that count of each journal file. */
  journals: Record<string, number>;
}

/**
 * Reads a run from disk.
 *
 * @throws AdaptiveError `database-damaged`, `database-version`, `journal-damaged`
 */
export async function recover(directory: RunDirectory, wasm: Uint8Array): Promise<Recovered> {
  const { database, isFromPrevious } = await openSnapshot(directory, wasm);
  const model = new Model();
  model.apply(patchesOf(database));
  const snapshotSeq = model.run.seq;
  const { changes, journals } = await readJournals(directory, snapshotSeq);
  const patches: RowPatch[] = [];
  for (const change of changes) {
    if (change.seq <= model.run.seq) continue;
    if (change.seq !== model.run.seq + 1) {
      throw new AdaptiveError(
        "journal-damaged",
        `The journal of ${directory.path} has no change ${model.run.seq + 1}.`,
        "A journal file is missing: restore .adaptive from a backup.",
      );
    }
    const effect = effects(change);
    model.apply(effect);
    patches.push(...effect);
  }
  database.apply(patches);
  return { model, database, isFromPrevious, snapshotSeq, journals };
}

/**
 * Cuts off what a former scheduler had begun to write and never finished, and syncs the rest: it may
 * have died before it could, and what was read is acted on from now on.
 */
export async function settleJournals(directory: RunDirectory, journals: Record<string, number>): Promise<void> {
  for (const [name, length] of Object.entries(journals)) {
    const file = await directory.disk.open(directory.at(name), "r+");
    try {
      await file.truncate(length);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

const journalName = /^journal-(\d+)-(\d+)\.jsonl$/;

export function nameOfJournal(incarnation: number, firstSeq: number): string {
  return `journal-${incarnation}-${firstSeq}.jsonl`;
}

/** The journal files, oldest first, each with the seq of its first change. */
export async function listJournals(
  directory: RunDirectory,
): Promise<{ name: string; incarnation: number; firstSeq: number }[]> {
  return (await directory.disk.readdir(directory.own))
    .flatMap((name) => {
      const match = journalName.exec(name);
      return match ? [{ name, incarnation: Number(match[1]), firstSeq: Number(match[2]) }] : [];
    })
    .sort((a, b) => a.incarnation - b.incarnation || a.firstSeq - b.firstSeq);
}

/**
 * @param seq the last change that the snapshot holds: what lies before it is read for the snapshot before
 *   only, and may be damaged
 */
async function readJournals(
  directory: RunDirectory,
  seq: number,
): Promise<{ changes: Change[]; journals: Record<string, number> }> {
  let limits: Record<string, number> | null = null;
  const journals: Record<string, number> = {};
  const parts: Change[][] = [];
  const newestFirst = (await listJournals(directory)).reverse();
  const needed = newestFirst.findIndex(({ firstSeq }) => firstSeq <= seq + 1);
  // Newest first: each scheduler noted at its start how much of the older files counts.
  for (const [i, { name, incarnation, firstSeq }] of newestFirst.entries()) {
    try {
      const bytes = await readWhole(directory.at(name), directory.disk);
      // What the newest start did not find there was begun by a former scheduler since, which was not told.
      const counted = limits === null ? bytes.length : (limits[name] ?? 0);
      // One that a later scheduler began and never wrote to says nothing of the one before; one of the
      // same scheduler says that all before it was synced.
      const isNewest =
        parts.every((later) => later.length === 0) &&
        newestFirst.slice(0, i).every((later) => later.incarnation > incarnation);
      const { changes, goodBytes } = readJournal(bytes.subarray(0, counted), { name, firstSeq }, isNewest);
      journals[name] = goodBytes;
      for (const change of changes) if (change.kind === "schedulerStarted") limits ??= change.journals;
      parts.unshift(changes);
    } catch (error) {
      if (needed >= 0 && i > needed && (error instanceof AdaptiveError || isNotThere(error))) continue;
      throw isNotThere(error) ? unreadable(name, error) : error;
    }
  }
  return { changes: parts.flat(), journals };
}

function unreadable(name: string, cause: unknown): AdaptiveError {
  return new AdaptiveError(
    "journal-damaged",
    `${name} cannot be read.`,
    "Nothing was changed. Restore the file from a backup, or move the run's .adaptive folder away and start anew: the learners' data files stay.",
    { cause },
  );
}

async function openSnapshot(
  directory: RunDirectory,
  wasm: Uint8Array,
): Promise<{ database: Database; isFromPrevious: boolean }> {
  let cause: unknown;
  for (const path of [directory.database, directory.previousDatabase]) {
    try {
      const database = await Database.open(await readWhole(path, directory.disk), wasm);
      if (database.isSound()) return { database, isFromPrevious: path === directory.previousDatabase };
      database.close();
      cause ??= new Error(`${path} is damaged`);
    } catch (error) {
      if (error instanceof AdaptiveError) throw error;
      if (errnoOf(error) !== "ENOENT") cause ??= error;
    }
  }
  throw new AdaptiveError(
    "database-damaged",
    `${directory.database} cannot be read, and there is no older snapshot.`,
    "Restore .adaptive from a backup, or move it away and start anew: the learners' data files stay.",
    { cause },
  );
}

function patchesOf(database: Database): RowPatch[] {
  const keyed = (Object.keys(primaryKey) as Exclude<TableName, "run">[]).flatMap((table) => {
    const key = primaryKey[table];
    return database
      .rows(table, `ORDER BY rowid`)
      .map((row) => ({ table, key: row[key as keyof typeof row], set: row }) as unknown as RowPatch);
  });
  return [...database.rows("run").map((set): RowPatch => ({ table: "run", set })), ...keyed];
}
