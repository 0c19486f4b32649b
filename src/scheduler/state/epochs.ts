import type { Change } from "./changes";
import type { OpenFile } from "./disk";
import { AdaptiveError, errnoOf } from "./errors";
import { writeFileAtomically } from "./files";
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
 * Begins a new file of epochs in place of the one before, which may lag behind the journal after a
 * crash, may not be synced, or be gone. What a former scheduler still writes goes to a file that nobody reads.
 *
 * @throws AdaptiveError `state-gone` when its whole folder was deleted
 */
export async function beginEpochs(
  directory: RunDirectory,
  learners: ReadonlyMap<LearnerId, { epoch: number }>,
): Promise<OpenEpochs> {
  const { own, epochs: path, disk } = directory;
  const before = await disk.readFile(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return Buffer.alloc(0);
    throw error;
  });
  try {
    await writeFileAtomically(path, caughtUp(before, learners), 0o600, disk);
    return { file: new Epochs(await disk.open(path, "r+")), inode: (await inodeOf(directory)) ?? -1 };
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT") throw cause;
    throw new AdaptiveError("state-gone", `${own} is gone.`, "Put it back from a backup; the data files stay.", {
      cause,
    });
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

/**
 * The file that says who may save: at offset 8·learner the newest epoch of that learner, an unsigned
 * 64-bit little-endian integer. Workers read it before they replace a data file, also when they
 * cannot reach the scheduler.
 */
export class Epochs {
  constructor(private readonly file: Pick<OpenFile, "write" | "datasync" | "close">) {}

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
