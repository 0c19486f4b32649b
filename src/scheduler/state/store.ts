import { basename } from "node:path";
import { effects, type Change, type NewChange } from "./changes";
import { systemClock, type Clock } from "./clock";
import type { Database } from "./database";
import { beginEpochs, writeEpochs, type Epochs } from "./epochs";
import { AdaptiveError, errnoOf, isDiskFull } from "./errors";
import { isNotThere, replaceBy, setAside, syncDirectory, writeFileAtomically } from "./files";
import { Journal } from "./journal";
import type { Model } from "./model";
import { PatchBuffer } from "./patchBuffer";
import { settleJournals, listJournals, nameOfJournal, recover } from "./recovery";
import { OwnFiles } from "./ownFiles";
import type { RowPatch } from "./rows";
import type { RunDirectory } from "./runDirectory";

/** What the store takes from the world besides its directory's disk; tests pass a clock that they move. */
export interface StoreWorld extends Clock {
  sleep: (ms: number) => Promise<void>;
  /** Calls back when the present turn of the event loop is over. */
  soon: (callback: () => void) => void;
  /** A snapshot is due after so many changes in the journal. */
  snapshotAfterChanges: number;
  /** Throws when this process may no longer write to the run: somebody else has taken it over. */
  confirmOwnership: () => Promise<void>;
  /** Told when the disk is full, and (null) when writing goes on. */
  onDiskFull: (notice: AdaptiveError | null) => void;
  /** Told of a failure after which nobody knows what is on disk; must end the process, unanswered. */
  onFatal: (error: unknown) => void;
}

export const systemWorld = {
  ...systemClock,
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
  soon: (callback: () => void) => void setImmediate(callback),
  snapshotAfterChanges: 50_000,
};

/** A snapshot is due after this much journal, also when it holds few changes. */
const snapshotAfterBytes = 16 << 20;
/** How far the database may lag behind the journal. */
const projectionDelayMs = 100;
const diskFullRetryMs = 2000;
const snapshotRetryMs = 60_000;

/**
 * The state of a run that is being served. A decision is recorded as a change: the model has it at
 * once, so that two decisions of one moment never contradict each other; `synced` tells when it is
 * on disk; and only then may anything that follows from it leave the process. Changes recorded while
 * a sync is under way share the next one.
 */
export class Store {
  private seq: number;
  private syncedSeq: number;
  private pending: Change[] = [];
  private pendingPatches: RowPatch[] = [];
  private readonly unprojected = new PatchBuffer();
  private writing: Promise<void> | null = null;
  private cancelProjection: (() => void) | null = null;
  private readonly waiters: { seq: number; resolve: () => void; refuse?: (noRoom: AdaptiveError) => void }[] = [];
  /** Why nothing can be written now. */
  private noRoom: AdaptiveError | null = null;
  private readonly listeners = new Set<(changes: readonly Change[]) => void>();
  private noSnapshotBefore = 0;
  private writesWithoutRoom = 0;
  private isMendingDue = false;
  private mended: string[] = [];

  private constructor(
    readonly directory: RunDirectory,
    readonly model: Model,
    private readonly projected: Database,
    private journal: Journal,
    private epochs: Epochs,
    private snapshotSeq: number,
    private readonly files: OwnFiles,
    private readonly world: StoreWorld,
  ) {
    this.seq = this.syncedSeq = model.run.seq;
  }

  /**
   * Recovers the run from disk and begins a new incarnation of its scheduler.
   *
   * @param begin what else happens to the run at this moment; throws when it must not be served, and then nothing has
   */
  static async open(
    directory: RunDirectory,
    wasm: Uint8Array,
    scheduler: { host: string; pid: number; version: string },
    world: StoreWorld,
    begin: (model: Model) => Promise<readonly NewChange[]> = () => Promise.resolve([]),
  ): Promise<Store> {
    const before = await sizesOfJournals(directory);
    const { model, database, isFromPrevious, snapshotSeq, journals } = await recover(directory, wasm);
    const first = await begin(model);
    // One that was frozen since it took the lock must not begin an incarnation that voids what its heir has answered.
    await world.confirmOwnership();
    const incarnation = 1 + (await lastIncarnation(directory, model));
    const journal = await createJournal(directory, incarnation, model.run.seq + 1).catch((error: unknown) => {
      throw errnoOf(error) === "EEXIST" ? takenOver() : error;
    });
    // From here on whoever served the run sees this journal before it answers; what it answered until now was read, or
    // the lock was somebody else's meanwhile.
    if ((await sizesOfJournals(directory, journal.name)) !== before) throw takenOver();
    await settleJournals(directory, journals).catch(ifGone);
    const epochs = await beginEpochs(directory, model.learners);
    const files = new OwnFiles(directory);
    for (const name of [...Object.keys(journals), journal.name]) await files.note(name).catch(ifGone);
    // One that could not be read is not noted, so that it is made anew.
    if (!isFromPrevious) await files.note(basename(directory.database));
    const store = new Store(directory, model, database, journal, epochs, snapshotSeq, files, world);
    store.record({ kind: "schedulerStarted", incarnation, ...scheduler, journals });
    for (const change of first) store.record(change);
    await store.synced();
    return store;
  }

  /** The time that changes are given, in milliseconds since the epoch. */
  now(): number {
    return this.world.now();
  }

  /** Everything up to here is on disk. */
  get position(): { runId: string; incarnation: number; seq: number } {
    return { runId: this.model.run.runId, incarnation: this.model.run.incarnation, seq: this.syncedSeq };
  }

  /** The database with all synced changes. */
  get database(): Database {
    this.project();
    return this.projected;
  }

  /** Makes a change to the model; it is on disk once `synced` returns. */
  record(change: NewChange): void {
    const numbered: Change = { ...change, seq: ++this.seq, time: this.world.now() };
    const patches = this.applied(numbered);
    this.pending.push(numbered);
    // Not spread into arguments: a change of all learners has as many patches.
    for (const patch of patches) this.pendingPatches.push(patch);
    // Not at once: what the same turn of the event loop records shares the sync.
    this.writing ??= new Promise<void>((resolve) => this.world.soon(resolve)).then(() => this.write());
  }

  /** Half of a change in the model would be in no journal: whoever asked for it must not go on as if nothing had been. */
  private applied(change: Change): RowPatch[] {
    try {
      const patches = effects(change);
      this.model.apply(patches);
      return patches;
    } catch (error) {
      this.world.onFatal(error);
      throw error;
    }
  }

  /** Returns when everything recorded so far is on disk. */
  synced(): Promise<void> {
    if (this.syncedSeq >= this.seq) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ seq: this.seq, resolve }));
  }

  /**
   * As `synced`, for somebody who is to hear of a full disk instead of waiting for room. What was recorded is
   * written all the same once there is some.
   *
   * @throws AdaptiveError `disk-full`
   */
  syncedIfRoom(): Promise<void> {
    if (this.syncedSeq >= this.seq) return Promise.resolve();
    if (this.noRoom) return Promise.reject(this.noRoom);
    return new Promise((resolve, refuse) => this.waiters.push({ seq: this.seq, resolve, refuse }));
  }

  /** Returns when something is so, on disk. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        const stop = this.onDidSync(() => {
          stop();
          resolve();
        });
      });
    }
    // The model is ahead of the disk.
    await this.synced();
  }

  /** Calls the listener with changes when they are on disk; returns what ends that. */
  onDidSync(listener: (changes: readonly Change[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Makes anew what somebody has deleted or changed: the file of epochs, without which no job may save, and
   * the snapshot and journals that the next start reads.
   *
   * @returns the paths of what was not as it was left
   */
  async mend(): Promise<readonly string[]> {
    // In turn with what is being written.
    this.isMendingDue = true;
    this.writing ??= this.write();
    await this.writing;
    return this.mended.splice(0);
  }

  /** Writes a snapshot unless there is nothing new, and closes the files. */
  async close(): Promise<void> {
    await this.synced();
    await this.writing;
    if (this.changesSinceSnapshot > 0) await this.snapshotIfThereIsRoom();
    this.cancelProjection?.();
    await this.journal.close();
    await this.epochs.close();
    this.projected.close();
  }

  private async write(): Promise<void> {
    try {
      while (this.pending.length > 0 || this.isMendingDue) {
        if (this.isMendingDue) await this.untilThereIsRoom(() => this.mendFiles());
        if (this.pending.length > 0) await this.writeBatch();
        if (this.pending.length === 0 && this.isSnapshotDue()) await this.snapshotIfThereIsRoom();
      }
      this.writing = null;
    } catch (error) {
      // That the run is not ours any more, or gone, says more than what was not found there.
      const { confirmOwnership, onFatal } = this.world;
      onFatal(
        isNotThere(error)
          ? await confirmOwnership().then(
              () => error,
              (why: unknown) => why,
            )
          : error,
      );
    }
  }

  private async writeBatch(): Promise<void> {
    const batch = this.pending;
    const patches = this.pendingPatches;
    this.pending = [];
    this.pendingPatches = [];
    await this.makeDurable(batch);
    this.unprojected.add(patches);
    // What was written there is lost, and so is all that lay before it.
    if (!(await this.files.isIntact(this.journal.name, this.journal.bytes))) {
      this.mended.push(this.directory.at(this.journal.name));
      await this.untilThereIsRoom(() => this.snapshot(this.syncedSeq + batch.length));
    }
    await this.confirm();
    this.publish(batch);
  }

  /**
   * Whether the run is ours still, by its lock and by what lies there: a scheduler that began behind us
   * has seen nothing of what we write.
   */
  private async confirm(): Promise<void> {
    const [journals] = await Promise.all([listJournals(this.directory), this.world.confirmOwnership()]);
    if (journals.every(({ incarnation }) => incarnation <= this.model.run.incarnation)) return;
    throw takenOver();
  }

  /** Both files at once: after a crash between them, the next start has the epochs catch up with the journal. */
  private async makeDurable(batch: readonly Change[]): Promise<void> {
    await Promise.all([
      this.untilThereIsRoom(() => this.epochs.write(batch)),
      this.untilThereIsRoom(() => this.journal.append(batch)),
    ]);
  }

  private async mendFiles(): Promise<void> {
    const { directory, epochs } = this;
    if (!(await epochs.isIntact(directory))) {
      // A scheduler that has taken the run over has made it anew for itself.
      await this.confirm();
      this.epochs = await writeEpochs(directory, epochs.content);
      this.mended.push(directory.epochs);
      await epochs.close();
    }
    const lost = await this.files.notIntact(this.journal);
    if (lost.length > 0) {
      await this.snapshot(this.syncedSeq);
      this.mended.push(...lost);
    }
    this.isMendingDue = false;
  }

  private publish(batch: readonly Change[]): void {
    this.syncedSeq += batch.length;
    this.cancelProjection ??= this.world.after(projectionDelayMs, () => this.project());
    while (this.waiters[0] && this.waiters[0].seq <= this.syncedSeq) this.waiters.shift()?.resolve();
    for (const listener of this.listeners) listener(batch);
  }

  private project(): void {
    this.cancelProjection?.();
    this.cancelProjection = null;
    const patches = this.unprojected.take();
    if (patches.length > 0) this.projected.apply(patches);
  }

  private get changesSinceSnapshot(): number {
    return this.syncedSeq - this.snapshotSeq;
  }

  private isSnapshotDue(): boolean {
    const isLarge =
      this.changesSinceSnapshot >= this.world.snapshotAfterChanges || this.journal.bytes >= snapshotAfterBytes;
    return isLarge && this.world.now() >= this.noSnapshotBefore;
  }

  /** A snapshot only shortens the next start: on a full disk the journal simply grows on. */
  private async snapshotIfThereIsRoom(): Promise<void> {
    try {
      await this.snapshot(this.syncedSeq);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.noSnapshotBefore = this.world.now() + snapshotRetryMs;
    }
  }

  /**
   * Replaces the snapshot, starts a new journal, and deletes the journals that the snapshot before
   * covers: that one stays readable with what follows it.
   *
   * @param seq the last change that it holds
   */
  private async snapshot(seq: number): Promise<void> {
    const { directory, files } = this;
    const next = `${directory.database}.next`;
    await writeFileAtomically(next, this.database.export(), 0o600, directory.disk);
    await this.confirm();
    // What is damaged, or came there otherwise, does not replace the one before.
    if (await files.isIntact(basename(directory.database))) {
      await replaceBy(directory.database, directory.previousDatabase, directory.disk);
    }
    await replaceBy(next, directory.database, directory.disk);
    await syncDirectory(directory.own, directory.disk);
    const olderSeq = this.snapshotSeq;
    this.snapshotSeq = seq;
    const isNew = this.journal.bytes === 0 && (await files.isIntact(this.journal.name, 0));
    if (!isNew) await this.beginJournal(seq + 1);
    files.forget();
    for (const name of [basename(directory.database), this.journal.name]) await files.note(name);
    await this.deleteJournals(olderSeq);
  }

  private async beginJournal(firstSeq: number): Promise<void> {
    const { directory, model } = this;
    const begin = () => createJournal(directory, model.run.incarnation, firstSeq);
    const journal = await begin().catch(async (error: unknown) => {
      if (errnoOf(error) !== "EEXIST") throw error;
      // Ours of that name was replaced, and held nothing.
      await setAside(directory.at(nameOfJournal(model.run.incarnation, firstSeq)), directory.disk);
      return begin();
    });
    await this.journal.close();
    this.journal = journal;
  }

  /** Deletes the journals whose changes are all up to `seq`. */
  private async deleteJournals(seq: number): Promise<void> {
    const journals = await listJournals(this.directory);
    // Also those behind it of former schedulers, whatever they hold.
    const kept = journals.findLastIndex(({ firstSeq }) => firstSeq <= seq + 1);
    for (const { name } of journals.slice(0, Math.max(kept, 0))) {
      await this.directory.disk.rm(this.directory.at(name), { recursive: true, force: true });
    }
  }

  private tellOfRoom(noRoom: AdaptiveError | null): void {
    this.noRoom = noRoom;
    this.world.onDiskFull(noRoom);
    if (noRoom) for (const { refuse } of this.waiters) refuse?.(noRoom);
  }

  private async untilThereIsRoom(work: () => Promise<void>): Promise<void> {
    let wasFull = false;
    for (;;) {
      try {
        await work();
        if (wasFull && --this.writesWithoutRoom === 0) this.tellOfRoom(null);
        return;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        if (!wasFull && this.writesWithoutRoom++ === 0) this.tellOfRoom(waitsForRoom(this.directory.path));
        wasFull = true;
        await this.world.sleep(diskFullRetryMs);
      }
    }
  }
}

function waitsForRoom(path: string): AdaptiveError {
  const what = `The disk of ${path} is full; nothing new can be recorded.`;
  return new AdaptiveError("disk-full", what, "Make room: it goes on by itself, and nothing is lost.");
}

/** Whoever had the run before may still be deleting what it needs no more: the next start reads what is left. */
function ifGone(error: unknown): never {
  throw isNotThere(error) ? takenOver() : error;
}

function takenOver(): AdaptiveError {
  return new AdaptiveError(
    "lock-lost",
    "Another scheduler has taken this run over.",
    "This scheduler ends; whatever it answered is on disk, and the other one goes on from there.",
  );
}

async function createJournal(directory: RunDirectory, incarnation: number, firstSeq: number): Promise<Journal> {
  const name = nameOfJournal(incarnation, firstSeq);
  const file = await directory.disk.open(directory.at(name), "ax", 0o600);
  await syncDirectory(directory.own, directory.disk);
  return new Journal(name, file);
}

/** A scheduler that died before its first sync has left a journal but no change. */
async function lastIncarnation(directory: RunDirectory, model: Model): Promise<number> {
  const journals = await listJournals(directory);
  return Math.max(model.run.incarnation, ...journals.map(({ incarnation }) => incarnation));
}

/** Names and sizes of all journals but one, which only change when somebody writes to the run. */
async function sizesOfJournals(directory: RunDirectory, own?: string): Promise<string> {
  const others = (await listJournals(directory)).filter(({ name }) => name !== own);
  const sizes = others.map(async ({ name }) => {
    const { size } = await directory.disk.stat(directory.at(name)).catch((error: unknown) => {
      if (isNotThere(error)) return { size: -1 };
      throw error;
    });
    return `${name} ${size}`;
  });
  return (await Promise.all(sizes)).join("\n");
}
