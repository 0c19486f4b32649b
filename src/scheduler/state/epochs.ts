import type { Change } from "./changes";
import type { OpenFile } from "./disk";
import { AdaptiveError, errnoOf } from "./errors";
import { isNotThere, readWhole, writeFileAtomically } from "./files";
import { writeAll } from "./journal";
import type { LearnerId } from "./rows";
import type { RunDirectory } from "./runDirectory";

const bytesPerLearner = 8;

/**
 * Begins a new file of epochs in place of the one before, which may lag behind the journal after a
 * crash, may not be synced, or be gone. What a former scheduler still writes goes to a file that nobody reads.
 */
export async function beginEpochs(
  directory: RunDirectory,
  learners: ReadonlyMap<LearnerId, { epoch: number }>,
): Promise<Epochs> {
  const before = await readWhole(directory.epochs, directory.disk).catch((error: unknown) => {
    if (isNotThere(error)) return Buffer.alloc(0);
    throw error;
  });
  return writeEpochs(directory, caughtUp(before, learners));
}

/** @throws AdaptiveError `state-gone` when its whole folder was deleted */
export async function writeEpochs({ own, epochs: path, disk }: RunDirectory, content: Buffer): Promise<Epochs> {
  try {
    await writeFileAtomically(path, content, 0o600, disk);
    return new Epochs(await disk.open(path, "r+"), (await disk.stat(path)).ino, content);
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
  private comparedAt = -1;

  constructor(
    private readonly file: Pick<OpenFile, "write" | "datasync" | "close">,
    private readonly inode: number,
    private written: Buffer,
  ) {}

  /** What was written, whatever somebody made of the file. */
  get content(): Buffer {
    return this.written;
  }

  /** Writes the epochs of the assignments among the changes, and returns when they are on disk. */
  async write(changes: readonly Change[]): Promise<void> {
    const newest = new Map<LearnerId, number>();
    for (const change of changes) if (change.kind === "learnerAssigned") newest.set(change.learner, change.epoch);
    await this.writeEpochs(newest);
  }

  /** Whether the file lies there as it was written, by whoever; not while it is being written. */
  async isIntact({ epochs, disk }: RunDirectory): Promise<boolean> {
    try {
      const { ino, mtimeMs } = await disk.stat(epochs);
      if (ino !== this.inode) return false;
      if (mtimeMs === this.comparedAt) return true;
      const isSame = this.written.equals(await readWhole(epochs, disk));
      if (isSame) this.comparedAt = mtimeMs;
      return isSame;
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
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
      this.keep(bytes, first * bytesPerLearner);
    }
    await this.file.datasync();
  }

  private keep(bytes: Buffer, position: number): void {
    const end = position + bytes.length;
    // Learners that were added since.
    if (end > this.written.length) {
      this.written = Buffer.concat([this.written, Buffer.alloc(end - this.written.length)]);
    }
    this.written.set(bytes, position);
  }
}

/** The content of the file, with the epochs that it lags behind. */
function caughtUp(before: Buffer, learners: ReadonlyMap<LearnerId, { epoch: number }>): Buffer {
  let last = -1;
  for (const id of learners.keys()) last = Math.max(last, id);
  const bytes = Buffer.alloc(Math.max(before.length, (last + 1) * bytesPerLearner));
  before.copy(bytes);
  for (const [id, { epoch }] of learners) {
    const offset = id * bytesPerLearner;
    if (bytes.readBigUInt64LE(offset) < epoch) bytes.writeBigUInt64LE(BigInt(epoch), offset);
  }
  return bytes;
}
