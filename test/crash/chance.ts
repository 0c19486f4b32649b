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

  /** A chance of its own, for what happens beside. */
  fork(): Chance {
    return new Chance(this.between(0, 1 << 30));
  }

  of<T>(...values: readonly [T, ...T[]]): T {
    return values[this.between(0, values.length)] ?? values[0];
  }
}
