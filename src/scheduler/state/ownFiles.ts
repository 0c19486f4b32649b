import { basename } from "node:path";
import { isNotThere } from "./files";
import type { RunDirectory } from "./runDirectory";

/** Snapshot and journals as this scheduler left them, so that it notices when somebody deletes or changes one. */
export class OwnFiles {
  private readonly left = new Map<string, { ino: number; size: number; mode: number }>();

  constructor(private readonly directory: RunDirectory) {}

  /** Remembers a file as it is now. */
  async note(name: string): Promise<void> {
    const { ino, size, mode } = await this.directory.disk.stat(this.directory.at(name));
    this.left.set(name, { ino, size, mode });
  }

  /** From now on none of them is needed. */
  forget(): void {
    this.left.clear();
  }

  /** @param size in bytes, of a file that was written since it was noted */
  async isIntact(name: string, size = this.left.get(name)?.size): Promise<boolean> {
    const left = this.left.get(name);
    try {
      const found = await this.directory.disk.stat(this.directory.at(name));
      return found.ino === left?.ino && found.mode === left.mode && found.size === size;
    } catch (error) {
      if (isNotThere(error)) return false;
      throw error;
    }
  }

  /**
   * @param written the journal that is being written, with its size of now
   * @returns the paths of those that are not as they were left
   */
  async notIntact(written: { name: string; bytes: number }): Promise<string[]> {
    const names = [...new Set([basename(this.directory.database), ...this.left.keys()])];
    const areIntact = await Promise.all(
      names.map((name) => this.isIntact(name, name === written.name ? written.bytes : undefined)),
    );
    return names.filter((_, i) => !areIntact[i]).map((name) => this.directory.at(name));
  }
}
