import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { systemWorld } from "../../src/scheduler/state/store";
import { simulate } from "./simulate";

const patienceMs = 3_600_000;

test(
  "100 000 learners and 10 000 jobs at a time",
  async () => {
    const wasm = await readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));
    const { snapshotAfterChanges } = systemWorld;
    const many = { learners: 100_000, maxJobs: 10_000, nodes: 6000, classes: 1 };
    const size = { ...many, goal: 1, pointMs: 100_000, snapshotAfterChanges };
    const { steps, checks, endedAfterMs, violation } = await simulate(1, wasm, { size, calmAfterMs: 1_200_000 });
    const minutes = Math.round(endedAfterMs / 60_000);
    console.log(`large simulation: ${steps} steps, ${checks} checks, ${minutes} virtual minutes`);
    expect(violation).toBeNull();
  },
  patienceMs,
);
