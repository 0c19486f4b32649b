import type { Change } from "./changes";
import type { OpenFile } from "./disk";
import { writeAll } from "./journal";
import type { LearnerId } from "./rows";

const bytesPerLearner = 8;

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
