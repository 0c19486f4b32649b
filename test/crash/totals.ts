import { appendFileSync } from "node:fs";
import { inject } from "vitest";

/** The seed of this run of the tests: `CRASH_SEED`, else another one each time. */
export const seed = inject("crashSeed");

/** What each crash test counts; whatever else it counts is its own. */
export interface Totals extends Record<string, number> {
  /** What was acknowledged and is not so any more. */
  lost: number;
  /** Stores and data files that nobody can read. */
  unreadable: number;
}

/** Prints what a test counted, in one line, and adds it to the totals of all. */
export function printTotals(what: string, totals: Totals): void {
  appendFileSync(inject("crashTotals"), `${JSON.stringify(totals)}\n`);
  const counts = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
  console.log(`${what} (seed ${seed}): ${counts.join(", ")}`);
}
