import { effects, type Change, type NewChange } from "./changes";
import { systemClock, type Clock } from "./clock";
import type { Database } from "./database";
import { inodeOf, beginEpochs, type OpenEpochs } from "./epochs";
import { errnoOf } from "./errors";
import { syncDirectory, writeFileAtomically } from "./files";
import { Journal } from "./journal";
import type { Model } from "./model";
import { PatchBuffer } from "./patchBuffer";
import { settleJournals, listJournals, nameOfJournal, recover } from "./recovery";
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
  onDiskFull: (message: string | null) => void;
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
  private readonly waiters: { seq: number; resolve: () => void }[] = [];
  private readonly listeners = new Set<(changes: readonly Change[]) => void>();
  private changesSinceSnapshot: number;
  private noSnapshotBefore = 0;
  private writesWithoutRoom = 0;
  private hasLostEpochs = false;

  private constructor(
    readonly directory: RunDirectory,
    readonly model: Model,
    private readonly projected: Database,
    private journal: Journal,
    private epochs: OpenEpochs,
    private snapshotSeq: number,
    private readonly world: StoreWorld,
  ) {
    this.seq = this.syncedSeq = model.run.seq;
    this.changesSinceSnapshot = this.seq - snapshotSeq;
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
    const { model, database, snapshotSeq, journals } = await recover(directory, wasm);
    const first = await begin(model);
    // One that was frozen since it took the lock must not begin an incarnation that voids what its heir has answered.
    await world.confirmOwnership();
    await settleJournals(directory, journals);
    const incarnation = 1 + (await lastIncarnation(directory, model));
    const journal = await createJournal(directory, incarnation, model.run.seq + 1);
    const epochs = await beginEpochs(directory, model.learners);
    const store = new Store(directory, model, database, journal, epochs, snapshotSeq, world);
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
    const patches = effects(numbered);
    this.model.apply(patches);
    this.pending.push(numbered);
    // Not spread into arguments: a change of all learners has as many patches.
    for (const patch of patches) this.pendingPatches.push(patch);
    // Not at once: what the same turn of the event loop records shares the sync.
    this.writing ??= new Promise<void>((resolve) => this.world.soon(resolve)).then(() => this.write());
  }

  /** Returns when everything recorded so far is on disk. */
  synced(): Promise<void> {
    if (this.syncedSeq >= this.seq) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push({ seq: this.seq, resolve }));
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
   * Makes the file of epochs anew when somebody has deleted it: without it no job may save.
   *
   * @returns whether it was gone
   */
  async mendEpochs(): Promise<boolean> {
    if ((await inodeOf(this.directory)) === this.epochs.inode) return false;
    // In turn with what is being written, which may be epochs.
    this.hasLostEpochs = true;
    this.writing ??= this.write();
    await this.writing;
    return true;
  }

  /** Writes a snapshot unless there is nothing new, and closes the files. */
  async close(): Promise<void> {
    await this.synced();
    await this.writing;
    if (this.changesSinceSnapshot > 0) await this.snapshotIfThereIsRoom();
    this.cancelProjection?.();
    await this.journal.close();
    await this.epochs.file.close();
    this.projected.close();
  }

  private async write(): Promise<void> {
    try {
      while (this.pending.length > 0 || this.hasLostEpochs) {
        if (this.hasLostEpochs) await this.untilThereIsRoom(() => this.renewEpochs());
        if (this.pending.length > 0) await this.writeBatch();
        if (this.pending.length === 0 && this.isSnapshotDue()) await this.snapshotIfThereIsRoom();
      }
      this.writing = null;
    } catch (error) {
      this.world.onFatal(error);
    }
  }

  private async writeBatch(): Promise<void> {
    const batch = this.pending;
    const patches = this.pendingPatches;
    this.pending = [];
    this.pendingPatches = [];
    await this.world.confirmOwnership();
    await this.makeDurable(batch);
    await this.world.confirmOwnership();
    this.publish(batch, patches);
  }

  /** Both files at once: after a crash between them, the next start has the epochs catch up with the journal. */
  private async makeDurable(batch: readonly Change[]): Promise<void> {
    await Promise.all([
      this.untilThereIsRoom(() => this.epochs.file.write(batch)),
      this.untilThereIsRoom(() => this.journal.append(batch)),
    ]);
  }

  private async renewEpochs(): Promise<void> {
    const lost = this.epochs;
    // A scheduler that has taken the run over has made it anew for itself.
    await this.world.confirmOwnership();
    this.epochs = await beginEpochs(this.directory, this.model.learners);
    this.hasLostEpochs = false;
    await lost.file.close();
  }

  private publish(batch: readonly Change[], patches: readonly RowPatch[]): void {
    this.syncedSeq += batch.length;
    this.changesSinceSnapshot += batch.length;
    this.unprojected.add(patches);
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

  private isSnapshotDue(): boolean {
    const isLarge =
      this.changesSinceSnapshot >= this.world.snapshotAfterChanges || this.journal.bytes >= snapshotAfterBytes;
    return isLarge && this.world.now() >= this.noSnapshotBefore;
  }

  /** A snapshot only shortens the next start: on a full disk the journal simply grows on. */
  private async snapshotIfThereIsRoom(): Promise<void> {
    try {
      await this.snapshot();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.noSnapshotBefore = this.world.now() + snapshotRetryMs;
    }
  }

  /**
   * Replaces the snapshot, starts a new journal, and deletes the journals that the snapshot before
   * covers: that one stays readable with what follows it.
   */
  private async snapshot(): Promise<void> {
    const { directory } = this;
    const next = `${directory.database}.next`;
    await writeFileAtomically(next, this.database.export(), 0o600, directory.disk);
    await directory.disk.rename(directory.database, directory.previousDatabase).catch((error: unknown) => {
      // A crash came between this and the next step of an earlier snapshot: the one before is still there.
      if (errnoOf(error) !== "ENOENT") throw error;
    });
    await directory.disk.rename(next, directory.database);
    await syncDirectory(directory.own, directory.disk);
    const olderSeq = this.snapshotSeq;
    this.snapshotSeq = this.syncedSeq;
    this.changesSinceSnapshot = 0;
    const journal = await createJournal(directory, this.model.run.incarnation, this.syncedSeq + 1);
    await this.journal.close();
    this.journal = journal;
    await this.deleteJournals(olderSeq);
  }

  /** Deletes the journals whose changes are all up to `seq`. */
  private async deleteJournals(seq: number): Promise<void> {
    const journals = await listJournals(this.directory);
    for (const [i, { name }] of journals.entries()) {
      const next = journals[i + 1];
      if (next && next.firstSeq <= seq + 1) await this.directory.disk.rm(this.directory.at(name));
    }
  }

  private async untilThereIsRoom(work: () => Promise<void>): Promise<void> {
    let wasFull = false;
    for (;;) {
      try {
        await work();
        if (wasFull && --this.writesWithoutRoom === 0) this.world.onDiskFull(null);
        return;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        if (!wasFull && this.writesWithoutRoom++ === 0) {
          this.world.onDiskFull(`The disk of ${this.directory.path} is full; nothing new can be recorded.`);
        }
        wasFull = true;
        await this.world.sleep(diskFullRetryMs);
      }
    }
  }
}

function isDiskFull(error: unknown): boolean {
  const code = errnoOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

async function createJournal(directory: RunDirectory, incarnation: number, firstSeq: number): Promise<Journal> {
  const file = await directory.disk.open(directory.at(nameOfJournal(incarnation, firstSeq)), "wx", 0o600);
  await syncDirectory(directory.own, directory.disk);
  return new Journal(file);
}

/** A scheduler that died before its first sync has left a journal but no change. */
async function lastIncarnation(directory: RunDirectory, model: Model): Promise<number> {
  const journals = await listJournals(directory);
  return Math.max(model.run.incarnation, ...journals.map(({ incarnation }) => incarnation));
}
