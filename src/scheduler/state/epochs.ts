import type { Change } from "./changes";
import type { OpenFile } from "./disk";
import { AdaptiveError, errnoOf } from "./errors";
import { syncDirectory } from "./files";
import { writeAll } from "./journal";
import type { LearnerId } from "./rows";
import type { RunDirectory } from "./runDirectory";

const bytesPerLearner = 8;

/** The file of epochs of a run, and what the file system knows it by. */
export interface OpenEpochs {
  file: Epochs;
  inode: number;
}

/**
 * Opens the file of epochs and has it catch up; one that somebody deleted is made anew.
 *
 * @throws AdaptiveError `state-gone` when its whole folder was deleted
 */
export async function openEpochs(
  directory: RunDirectory,
  learners: Iterable<{ id: LearnerId; epoch: number }>,
): Promise<OpenEpochs> {
  const file = await openOrMake(directory);
  try {
    const epochs = new Epochs(file);
    const inode = (await inodeOf(directory)) ?? -1;
    await epochs.catchUp(await directory.disk.readFile(directory.epochs), learners);
    return { file: epochs, inode };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Of the file of epochs that lies there now; null when there is none. */
export async function inodeOf({ epochs, disk }: RunDirectory): Promise<number | null> {
  try {
    return (await disk.stat(epochs)).ino;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

async function openOrMake({ own, epochs, disk }: RunDirectory): Promise<OpenFile> {
  try {
    return await disk.open(epochs, "r+");
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  try {
    const file = await disk.open(epochs, "wx", 0o600);
    await syncDirectory(own, disk);
    return file;
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
    throw new AdaptiveError("state-gone", `${own} is gone.`, "Put it back from a backup; the data files stay.", {
      cause,
    });
  }
}

/**
 * The file that says who may save: at offset 8·learner the newest epoch of that learner, an unsigned
 * 64-bit little-endian integer. Workers read it before they replace a data file, also when they
 * cannot reach the scheduler.
 */
export class Epochs {
  constructor(private readonly file: Pick<OpenFile, "write" | "datasync" | "close">) {}

  /**
   * Writes the epochs that the file lags behind, because a crash came between it and the journal.
   *
   * @param bytes what the file holds
   */
  async catchUp(bytes: Buffer, learners: Iterable<{ id: LearnerId; epoch: number }>): Promise<void> {
    const behind = new Map<LearnerId, number>();
    for (const { id, epoch } of learners) {
      const offset = id * bytesPerLearner;
      const written = offset + bytesPerLearner <= bytes.length ? bytes.readBigUInt64LE(offset) : 0n;
      if (written < epoch) behind.set(id, epoch);
    }
    await this.writeEpochs(behind);
  }

  /** Writes the epochs of the assignments among the changes, and returns when they are on disk. */
  async write(changes: readonly Change[]): Promise<void> {
    const newest = new Map<LearnerId, number>();
    for (const change of changes) if (change.kind === "learnerAssigned") newest.set(change.learner, change.epoch);
    await this.writeEpochs(newest);
  }

  close(): Promise<void> {
    return this.file.close();
  }

  private async writeEpochs(epochs: ReadonlyMap<LearnerId, number>): Promise<void> {
    if (epochs.size === 0) return;
    const ordered = [...epochs].sort(([a], [b]) => a - b);
    // Learners are mostly handed out in their order: neighbours are one write.
    for (let start = 0, end = 0; start < ordered.length; start = end) {
      const first = ordered[start]?.[0] ?? 0;
      while (ordered[end]?.[0] === first + end - start) end++;
      const bytes = Buffer.alloc((end - start) * bytesPerLearner);
      for (const [learner, epoch] of ordered.slice(start, end)) {
        bytes.writeBigUInt64LE(BigInt(epoch), (learner - first) * bytesPerLearner);
      }
      await writeAll(this.file, bytes, first * bytesPerLearner);
    }
    await this.file.datasync();
  }
}
