import { open, type FileHandle } from "node:fs/promises";
import type { Change } from "./changes";

const bytesPerLearner = 8;

/**
 * The file that says who may save: at offset 8·learner the newest epoch of that learner, an unsigned
 * 64-bit little-endian integer. Workers read it before they replace a data file, also when they
 * cannot reach the scheduler.
 */
export class Epochs {
  private constructor(private readonly file: FileHandle) {}

  static async open(path: string): Promise<Epochs> {
    // "r+" of a file that may not exist yet.
    await (await open(path, "a", 0o600)).close();
    return new Epochs(await open(path, "r+"));
  }

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
