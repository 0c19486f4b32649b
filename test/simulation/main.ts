/**
 * `npm run test:simulation -- [--seeds N] [--first S] [--report FILE]`: simulates N seeds from S on,
 * on all cores, and ends with a line of totals. A seed that fails prints what happened last.
 */
import { fork } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { simulate, type Outcome } from "./simulate";

/** Seeds of one process: it does not give back the memory of schedulers that died. */
const seedsPerProcess = 25;
const shownFailures = 3;

interface Totals {
  seeds: number;
  steps: number;
  checks: number;
  faults: Record<string, number>;
  violations: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      first: { type: "string", default: "1" },
      report: { type: "string" },
    },
  });
  const [seeds, first] = [Number(values.seeds), Number(values.first)];
  if (!Number.isSafeInteger(seeds) || !Number.isSafeInteger(first) || seeds < 1) {
    throw new Error("--seeds and --first are whole numbers, such as --seeds 1 --first 81.");
  }
  if (process.send) {
    await simulateHere(first, seeds, (outcome) => process.send?.(outcome));
    return;
  }
  const totals: Totals = { seeds: 0, steps: 0, checks: 0, faults: {}, violations: 0 };
  await simulateOnAllCores(first, seeds, (outcome) => add(outcome, totals));
  const faults = Object.entries(totals.faults).sort(([a], [b]) => a.localeCompare(b));
  const kinds = faults.map(([kind, count]) => `${kind} ${count}`).join(", ");
  console.log(
    `simulation: ${totals.seeds} seeds, ${totals.steps} steps, faults: ${kinds || "none"}; ${totals.checks} checks, ${totals.violations} violations`,
  );
  if (values.report !== undefined) await writeFile(values.report, JSON.stringify(totals));
  process.exitCode = totals.violations > 0 || totals.seeds < seeds ? 1 : 0;
}

async function simulateHere(first: number, seeds: number, onOutcome: (outcome: Outcome) => void): Promise<void> {
  const wasm = await readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));
  for (let seed = first; seed < first + seeds; seed++) onOutcome(await simulate(seed, wasm));
}

async function simulateOnAllCores(first: number, seeds: number, onOutcome: (outcome: Outcome) => void): Promise<void> {
  let next = first;
  const end = first + seeds;
  const work = async (): Promise<void> => {
    while (next < end) {
      const some = Math.min(seedsPerProcess, end - next);
      const args = ["--first", String(next), "--seeds", String(some)];
      next += some;
      await new Promise<void>((resolve, reject) => {
        const child = fork(process.argv[1] ?? "", args);
        child.on("message", (outcome) => onOutcome(outcome as Outcome));
        child.on("error", reject);
        child.on("exit", () => resolve());
      });
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
}

function add({ seed, steps, checks, faults, violation, lastEvents }: Outcome, totals: Totals): void {
  totals.seeds++;
  totals.steps += steps;
  totals.checks += checks;
  for (const [kind, count] of Object.entries(faults)) totals.faults[kind] = (totals.faults[kind] ?? 0) + count;
  if (violation === null || ++totals.violations > shownFailures) return;
  console.log(lastEvents.join("\n"));
  console.log(`\nseed ${seed}: ${violation}`);
  console.log(`Again: npm run test:simulation -- --seeds 1 --first ${seed}\n`);
}

await main();
