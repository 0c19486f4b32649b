import { effects, type Change } from "./changes";
import { Database } from "./database";
import { AdaptiveError, errnoOf } from "./errors";
import { isNotThere, readWhole } from "./files";
import { readJournal } from "./journal";
import { Model } from "./model";
import { PatchBuffer } from "./patchBuffer";
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
 * Reads a run from disk, to go on with it.
 *
 * @throws AdaptiveError `database-damaged`, `database-version`, `journal-damaged`
 */
export async function recover(directory: RunDirectory, wasm: Uint8Array): Promise<Recovered> {
  const { database, isFromPrevious } = await openSnapshot(directory, wasm);
  const unprojected = new PatchBuffer();
  const project = (): void => database.apply(unprojected.take());
  const read = await readInto(new Model(), directory, database, (patches) => {
    unprojected.add(patches);
    if (unprojected.size >= patchesAtATime) project();
  });
  project();
  return { database, isFromPrevious, ...read };
}

/** Of many changes of one row the database is told once, and yet not all at the end. */
const patchesAtATime = 10_000;

/**
 * Reads a run from disk, to look at it.
 *
 * @throws AdaptiveError as `recover`
 */
export async function readModel(directory: RunDirectory, wasm: Uint8Array): Promise<Model> {
  const { database } = await openSnapshot(directory, wasm);
  try {
    return (await readInto(new Model(), directory, database)).model;
  } finally {
    database.close();
  }
}

/** @param onPatches told what follows from the changes behind the snapshot */
async function readInto(
  model: Model,
  directory: RunDirectory,
  database: Database,
  onPatches: (patches: readonly RowPatch[]) => void = () => undefined,
): Promise<Pick<Recovered, "model" | "snapshotSeq" | "journals">> {
  for (const patch of patchesOf(database)) model.apply([patch]);
  const snapshotSeq = model.run.seq;
  const journals = await readJournals(directory, snapshotSeq);
  const replay = (change: Change): void => {
    if (change.seq <= model.run.seq) return;
    if (change.seq !== model.run.seq + 1) {
      throw new AdaptiveError(
        "journal-damaged",
        `The journal of ${directory.path} has no change ${model.run.seq + 1}.`,
        "A journal file is missing: restore .adaptive from a backup.",
      );
    }
    const patches = effects(change);
    model.apply(patches);
    onPatches(patches);
  };
  // Read once more: as objects all changes together would take several times the memory.
  for (const { bytes, ...which } of journals) readJournal(bytes, which, false, replay);
  const goodBytes = Object.fromEntries(journals.map(({ name, bytes }) => [name, bytes.length]));
  return { model, snapshotSeq, journals: goodBytes };
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

/** A journal file, with its bytes that count. */
interface ReadJournal {
  name: string;
  firstSeq: number;
  bytes: Uint8Array;
}

/**
 * The journal files, oldest first.
 *
 * @param seq the last change that the snapshot holds: what lies before it is read for the snapshot before
 *   only, and may be damaged
 */
async function readJournals(directory: RunDirectory, seq: number): Promise<ReadJournal[]> {
  let limits: Record<string, number> | null = null;
  const journals: ReadJournal[] = [];
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
        journals.every((later) => later.bytes.length === 0) &&
        newestFirst.slice(0, i).every((later) => later.incarnation > incarnation);
      let noted: Record<string, number> | null = null;
      const goodBytes = readJournal(bytes.subarray(0, counted), { name, firstSeq }, isNewest, (change) => {
        if (change.kind === "schedulerStarted") noted ??= change.journals;
      });
      limits ??= noted;
      journals.unshift({ name, firstSeq, bytes: bytes.subarray(0, goodBytes) });
    } catch (error) {
      if (needed >= 0 && i > needed && (error instanceof AdaptiveError || isNotThere(error))) continue;
      throw isNotThere(error) ? unreadable(name, error) : error;
    }
  }
  return journals;
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

/** One after the other: all at once they would take as much memory again as the model. */
function* patchesOf(database: Database): Iterable<RowPatch> {
  for (const set of database.rows("run")) yield { table: "run", set };
  for (const table of Object.keys(primaryKey) as Exclude<TableName, "run">[]) {
    const key = primaryKey[table];
    for (const row of database.eachRow(table, "ORDER BY rowid")) {
      yield { table, key: row[key as keyof typeof row], set: row } as unknown as RowPatch;
    }
  }
}
