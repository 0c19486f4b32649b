import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AdaptiveError } from "../../src/scheduler/state/errors";
import { recover } from "../../src/scheduler/state/recovery";
import { RunDirectory } from "../../src/scheduler/state/runDirectory";
import { createRunOnDisk, openStore, temporaryFolder, wasm } from "../unit/scheduler/runFixture";
import { Chance } from "./chance";
import { printTotals, seed } from "./totals";

const revisions = 40;

/** A run with two snapshots and journals behind each; every change is its own line, `r<n>` the nth. */
async function createHistory(): Promise<RunDirectory> {
  const directory = await createRunOnDisk(50);
  for (let part = 0; part < 4; part++) {
    const store = await openStore(directory);
    for (let i = 1; i <= revisions / 4; i++) {
      store.record({ kind: "codeRevised", revision: `r${part * (revisions / 4) + i}`, versions: "{}" });
      await store.synced();
    }
    // The last one crashes, and leaves its journal to be replayed.
    if (part < 3) await store.close();
  }
  return directory;
}

async function copyOf(directory: RunDirectory): Promise<RunDirectory> {
  const copy = new RunDirectory(await temporaryFolder());
  await cp(directory.own, copy.own, { recursive: true });
  return copy;
}

const journalsOf = async (directory: RunDirectory) =>
  (await readdir(directory.own)).filter((name) => name.startsWith("journal-")).sort();

/** The number of the newest revision that is recovered, or the code of the refusal. */
async function outcomeOf(directory: RunDirectory): Promise<number | string> {
  try {
    const { model, database } = await recover(directory, wasm);
    database.close();
    return Number(model.run.revision.slice(1));
  } catch (error) {
    if (error instanceof AdaptiveError) return error.code;
    throw error;
  }
}

describe("a damaged journal", () => {
  test("that was torn anywhere gives every change before the tear", async () => {
    const original = await createHistory();
    const [newest = ""] = (await journalsOf(original)).slice(-1);
    const bytes = await readFile(original.at(newest));
    const copy = await copyOf(original);
    const lineEnds = [...bytes].flatMap((byte, i) => (byte === 0x0a ? [i + 1] : []));
    const totals = { damages: 0, lost: 0, unreadable: 0 };
    for (let length = 0; length <= bytes.length; length += length < bytes.length - 300 ? 17 : 1) {
      await writeFile(copy.at(newest), bytes.subarray(0, length));
      // The first line says that the scheduler started; each further one is a revision.
      const whole = lineEnds.filter((end) => end <= length).length;
      const outcome = await outcomeOf(copy);
      totals.damages++;
      if (typeof outcome === "string") totals.unreadable++;
      else if (outcome !== (3 * revisions) / 4 + Math.max(0, whole - 1)) totals.lost++;
    }
    printTotals("journals torn", totals);
    expect(totals).toMatchObject({ lost: 0, unreadable: 0 });
  });

  test("with a flipped bit is refused, or loses no more than its last line, which nobody heard of", async () => {
    const original = await createHistory();
    const chance = new Chance(seed);
    const names = await journalsOf(original);
    const totals = { damages: 0, refused: 0, recovered: 0, lost: 0, unreadable: 0 };
    for (let round = 0; round < 300; round++) {
      const copy = await copyOf(original);
      const name = chance.of(names[names.length - 1] ?? "", ...names.slice(-2));
      const bytes = await readFile(original.at(name));
      const at = chance.between(0, bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.between(0, 8));
      await writeFile(copy.at(name), bytes);
      const outcome = await outcomeOf(copy);
      const isLastLine = name === names.at(-1) && at >= bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
      totals.damages++;
      if (outcome === "journal-damaged") totals.refused++;
      else if (typeof outcome === "string") totals.unreadable++;
      else if (outcome === revisions || (isLastLine && outcome === revisions - 1)) totals.recovered++;
      else totals.lost++;
    }
    printTotals("bits flipped", totals);
    expect(totals).toMatchObject({ lost: 0, unreadable: 0 });
    expect(totals.refused).toBeGreaterThan(0);
  });
});

describe("a damaged snapshot", () => {
  test("of any length is replaced by the one before with the journals behind it", async () => {
    const original = await createHistory();
    const bytes = await readFile(original.database);
    const chance = new Chance(seed);
    const copy = await copyOf(original);
    const totals = { damages: 0, lost: 0, unreadable: 0 };
    const check = async (damaged: Uint8Array) => {
      await writeFile(copy.database, damaged);
      totals.damages++;
      const outcome = await outcomeOf(copy);
      if (typeof outcome === "string") totals.unreadable++;
      else if (outcome !== revisions) totals.lost++;
    };
    for (let length = 0; length < bytes.length; length += 512) await check(bytes.subarray(0, length));
    for (let round = 0; round < 50; round++) {
      const garbled = Buffer.from(bytes);
      // From the beginning of a page on, as a disk loses them.
      const at = 512 * chance.between(0, bytes.length / 512 - 1);
      for (let i = at; i < bytes.length; i++) garbled[i] = chance.between(0, 256);
      await check(garbled);
    }
    printTotals("snapshots damaged", totals);
    expect(totals).toMatchObject({ lost: 0, unreadable: 0 });
  });

  test("that was being written is not looked at", async () => {
    const directory = await createHistory();
    await writeFile(join(directory.own, "database.sqlite.next"), "half a datab");
    await writeFile(join(directory.own, "database.sqlite.next.77.tmp"), "half");
    expect(await outcomeOf(directory)).toBe(revisions);
    const store = await openStore(directory);
    await store.close();
    expect(await outcomeOf(directory)).toBe(revisions);
  });

  test("with none before it is refused", async () => {
    const directory = await createHistory();
    for (const path of [directory.database, directory.previousDatabase]) await writeFile(path, "no database");
    expect(await outcomeOf(directory)).toBe("database-damaged");
  });
});
