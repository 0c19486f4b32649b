/** Numbers that a seed determines, so that a failing round can be run again: mulberry32. */
export class Chance {
  constructor(private state: number) {}

  /** From 0 to 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low));
  }

  of<T>(...values: readonly [T, ...T[]]): T {
    return values[this.between(0, values.length)] ?? values[0];
  }
}

/** The seed of this run of the tests: `CRASH_SEED`, else another one each time. */
export const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000);

/** Prints what a test counted, in one line. */
export function printTotals(what: string, totals: Record<string, number>): void {
  const counts = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
  console.log(`${what} (seed ${seed}): ${counts.join(", ")}`);
}
