import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    crashSeed: number;
    /** A file to which each test appends its totals. */
    crashTotals: string;
  }
}

/** Gives all crash tests one seed, and prints in the end what they counted together. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const seed = Number(process.env["CRASH_SEED"] ?? Date.now() % 1_000_000);
  const folder = await mkdtemp(join(tmpdir(), "adaptive-crash-totals-"));
  const file = join(folder, "totals.jsonl");
  await writeFile(file, "");
  provide("crashSeed", seed);
  provide("crashTotals", file);
  return async () => {
    const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
    await rm(folder, { recursive: true });
    const tests = lines.map((line) => JSON.parse(line) as Record<string, number>);
    const sum = (name: string) => tests.reduce((sum, totals) => sum + (totals[name] ?? 0), 0);
    const words = ["kills", "damages", "full disks", "failed writes", "acknowledged", "lost", "run twice", "unreadable"]
      .map((name) => `${sum(name)} ${name}`)
      .join(", ");
    console.log(`crash tests together: ${words}; run them again with CRASH_SEED=${seed}`);
  };
}
