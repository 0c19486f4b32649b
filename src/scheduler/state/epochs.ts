import type { Change } from "./changes";
import type { StateFile } from "./journal";

const bytesPerLearner = 8;

/**
 * The file that says who may save: at offset 8·learner the newest epoch of that learner, an unsigned
 * 64-bit little-endian integer. Workers read it before they replace a data file, also when they
 * cannot reach the scheduler.
 */
export class Epochs {
  constructor(private readonly file: StateFile) {}

  /** Writes the epochs of the assignments among the changes, and returns when they are on disk. */
  async write(changes: readonly Change[]): Promise<void> {
    const assignments = changes.filter((change) => change.kind === "learnerAssigned");
    if (assignments.length === 0) return;
    for (const { learner, epoch } of assignments) {
      const bytes = Buffer.alloc(bytesPerLearner);
      bytes.writeBigUInt64LE(BigInt(epoch));
      await this.file.write(bytes, 0, bytesPerLearner, learner * bytesPerLearner);
    }
    await this.file.datasync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
