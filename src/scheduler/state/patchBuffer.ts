import type { RowPatch, TableName } from "./rows";

/**
 * Patches on their way to a database that may follow later: those of one row become one. A run that
 * hands out thousands of learners a second would else write its own row as often.
 */
export class PatchBuffer {
  private readonly patches = new Map<TableName, Map<unknown, RowPatch>>();

  add(patches: readonly RowPatch[]): void {
    for (const patch of patches) {
      const key = patch.table === "run" ? null : patch.key;
      const rows = this.patches.get(patch.table) ?? new Map<unknown, RowPatch>();
      this.patches.set(patch.table, rows);
      const before = rows.get(key);
      if (before) Object.assign(before.set, patch.set);
      else rows.set(key, { ...patch, set: { ...patch.set } } as RowPatch);
    }
  }

  /** How many rows are touched. */
  get size(): number {
    return [...this.patches.values()].reduce((sum, rows) => sum + rows.size, 0);
  }

  /** All patches since this was last called, rows in the order in which they were first touched. */
  take(): RowPatch[] {
    const patches = [...this.patches.values()].flatMap((rows) => [...rows.values()]);
    this.patches.clear();
    return patches;
  }
}
