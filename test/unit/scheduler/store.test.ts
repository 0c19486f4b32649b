import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NewChange } from "../../../src/scheduler/state/changes";
import type { Disk, OpenFile } from "../../../src/scheduler/state/disk";
import { listJournals, nameOfJournal, readModel, recover } from "../../../src/scheduler/state/recovery";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import type { Store } from "../../../src/scheduler/state/store";
import { assigned, createRunOnDisk, openStore, openTestFile, wasm } from "./runFixture";

const job = asJobId("1_1");
const submitted: NewChange = {
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: [{ id: job, name: "study-1_1" }],
};

/** A file on which syncing waits until the test lets it go. */
function heldFile(log: string[]) {
  let release = () => {};
  const wrap = async (...args: Parameters<Disk["open"]>): Promise<OpenFile> => {
    const file = await openTestFile(...args);
    if (args[1] !== "ax") return file;
    let isFirst = true;
    return {
      write: async (...args) => {
        log.push("write");
        return file.write(...args);
      },
      datasync: async () => {
        log.push("syncing");
        // The first is the start of the scheduler itself.
        if (!isFirst) await new Promise<void>((resolve) => (release = resolve));
        isFirst = false;
        await file.datasync();
        log.push("sync");
      },
      sync: () => file.sync(),
      writeFile: (data) => file.writeFile(data),
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  };
  return { wrap, release: () => release() };
}

const turns = async (count: number) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("the store", () => {
  test("says that a change is durable only after it was written and synced, in this order", async () => {
    const log: string[] = [];
    const held = heldFile(log);
    const store = await openStore(await createRunOnDisk(2), { openFile: held.wrap });
    log.length = 0;
    store.onDidSync(() => log.push("stream"));
    store.record(submitted);
    const answered = store.synced().then(() => log.push("answer"));
    while (!log.includes("syncing")) await turns(1);
    await turns(20);
    expect(log).toEqual(["write", "syncing"]);
    expect(store.database.rows("jobs")).toEqual([]);
    held.release();
    await answered;
    expect(log).toEqual(["write", "syncing", "sync", "stream", "answer"]);
    expect(store.database.rows("jobs")).toHaveLength(1);
  });

  test("has a change in its model at once, so that two decisions of one moment never meet", async () => {
    const store = await openStore(await createRunOnDisk(2));
    store.record(submitted);
    store.record(assigned(job, 0, 1));
    expect([...(store.model.waiting.get("default") ?? [])]).toEqual([1]);
    await store.close();
  });

  test("tells that something is so when it is on disk, not when its model has it", async () => {
    const log: string[] = [];
    const held = heldFile(log);
    const store = await openStore(await createRunOnDisk(0), { openFile: held.wrap });
    log.length = 0;
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    while (!log.includes("syncing")) await turns(1);
    let isTold = false;
    const told = store.until(() => store.model.run.revision === "r3").then(() => (isTold = true));
    log.length = 0;
    store.record({ kind: "codeRevised", revision: "r3", versions: "{}" });
    held.release();
    while (!log.includes("syncing")) await turns(1);
    await turns(20);
    expect(isTold).toBe(false);
    held.release();
    await told;
  });

  test("shares one sync among the changes of one moment", async () => {
    let syncs = 0;
    const openFile = async (...args: Parameters<Disk["open"]>): Promise<OpenFile> => {
      const file = await openTestFile(...args);
      if (args[1] !== "ax") return file;
      return {
        write: (...args) => file.write(...args),
        datasync: () => (syncs++, file.datasync()),
        sync: () => file.sync(),
        writeFile: (data) => file.writeFile(data),
        truncate: (length) => file.truncate(length),
        close: () => file.close(),
      };
    };
    const store = await openStore(await createRunOnDisk(0), { openFile });
    const before = syncs;
    for (let i = 0; i < 100; i++) store.record({ kind: "codeRevised", revision: String(i), versions: "{}" });
    await store.synced();
    expect(syncs - before).toBe(1);
    await store.close();
  });

  test("writes who may save before an assignment is answered", async () => {
    const directory = await createRunOnDisk(3);
    const store = await openStore(directory);
    store.record(submitted);
    store.record(assigned(job, 2, 7));
    await store.synced();
    const epochs = await readFile(directory.epochs);
    expect([0, 1, 2].map((learner) => epochs.readBigUInt64LE(8 * learner))).toEqual([0n, 0n, 7n]);
    await store.close();
  });

  test("waits while the disk is full, says so, and loses nothing", async () => {
    const directory = await createRunOnDisk(1);
    const said: (string | null)[] = [];
    let isFull = false;
    const openFile = async (...args: Parameters<Disk["open"]>): Promise<OpenFile> => {
      const file = await openTestFile(...args);
      if (args[1] !== "ax") return file;
      return {
        write: async (bytes, offset, length, position) => {
          if (!isFull) return file.write(bytes, offset, length, position);
          // Half of it still fits.
          if (length > 20) return file.write(bytes, offset, 20, position);
          throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
        },
        datasync: () => file.datasync(),
        sync: () => file.sync(),
        writeFile: (data) => file.writeFile(data),
        truncate: (length) => file.truncate(length),
        close: () => file.close(),
      };
    };
    const store = await openStore(directory, {
      openFile,
      onDiskFull: (notice) => said.push(notice?.message ?? null),
      sleep: async () => {
        isFull = false;
        await turns(1);
      },
    });
    isFull = true;
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.synced();
    expect(said).toEqual([expect.stringContaining("full"), null]);
    await store.close();
    expect((await recover(directory, wasm)).model.run.revision).toBe("r2");
  });

  test("ends the process unanswered when a sync fails", async () => {
    const fatal: unknown[] = [];
    let isBroken = false;
    const openFile = async (...args: Parameters<Disk["open"]>): Promise<OpenFile> => {
      const file = await openTestFile(...args);
      if (args[1] !== "ax") return file;
      return {
        write: (...args) => file.write(...args),
        datasync: () =>
          isBroken ? Promise.reject(Object.assign(new Error("input/output error"), { code: "EIO" })) : file.datasync(),
        sync: () => file.sync(),
        writeFile: (data) => file.writeFile(data),
        truncate: (length) => file.truncate(length),
        close: () => file.close(),
      };
    };
    const store = await openStore(await createRunOnDisk(1), { openFile, onFatal: (error) => fatal.push(error) });
    isBroken = true;
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    let isAnswered = false;
    void store.synced().then(() => (isAnswered = true));
    while (fatal.length === 0) await turns(1);
    await turns(20);
    expect(fatal).toEqual([expect.objectContaining({ code: "EIO" })]);
    expect(isAnswered).toBe(false);
  });

  test("does not answer when another scheduler has taken the run over", async () => {
    const fatal: unknown[] = [];
    let isOurs = true;
    const store = await openStore(await createRunOnDisk(1), {
      confirmOwnership: () => (isOurs ? Promise.resolve() : Promise.reject(new Error("taken over"))),
      onFatal: (error) => fatal.push(error),
    });
    isOurs = false;
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    while (fatal.length === 0) await turns(1);
    expect(store.position.seq).toBe(5);
  });
});

test("a scheduler that was replaced while it started begins nothing", async () => {
  const directory = await createRunOnDisk(1);
  const confirmOwnership = () => Promise.reject(new Error("taken over"));
  await expect(openStore(directory, { confirmOwnership })).rejects.toThrow("taken over");
  expect((await readdir(directory.own)).filter((name) => name.startsWith("journal"))).toEqual([]);
});

describe("after a crash", () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant("change" as const) },
      { weight: 1, arbitrary: fc.constant("crash" as const) },
      { weight: 1, arbitrary: fc.constant("close" as const) },
    ),
    { minLength: 1, maxLength: 30 },
  );

  test("the model and the database are what they were, through any sequence of crashes and clean ends", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const directory = await createRunOnDisk(5);
        let store = await openStore(directory);
        let epoch = 0;
        store.record(submitted);
        for (const step of steps) {
          if (step === "change") store.record(assigned(job, epoch % 5, ++epoch));
          else {
            await store.synced();
            if (step === "close") await store.close();
            const before = stateOf(store);
            store = await openStore(directory);
            expect(stateOf(store)).toEqual(before);
            expectInDatabase(store);
            expect(stateOf({ model: await readModel(directory, wasm) })).toEqual(before);
          }
        }
        await store.close();
      }),
      { numRuns: 30 },
    );
  });

  test("the database says the same as the model", async () => {
    const store = await openStore(await createRunOnDisk(3));
    store.record(submitted);
    store.record(assigned(job, 1, 1));
    store.record({ kind: "learnerDone", learner: asLearnerId(1), job, requestNumber: 2, npoints: 11, loss: 0.5 });
    await store.synced();
    expectInDatabase(store);
    await store.close();
  });

  test("between the two renames of a snapshot, others follow", async () => {
    const directory = await createRunOnDisk(1);
    await rename(directory.database, directory.previousDatabase);
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.close();
    await rename(directory.database, directory.previousDatabase);
    expect((await recover(directory, wasm)).model.run.revision).toBe("r2");
  });

  test("what a former scheduler writes after it was replaced is void and not answered, also without a lock", async () => {
    const directory = await createRunOnDisk(1);
    const ended: unknown[] = [];
    const former = await openStore(directory, { onFatal: (error) => ended.push(error) });
    const heir = await openStore(directory);
    former.record({ kind: "codeRevised", revision: "zombie", versions: "{}" });
    let isAnswered = false;
    void former.synced().then(() => (isAnswered = true));
    while (ended.length === 0) await turns(1);
    await turns(20);
    expect(ended).toEqual([expect.objectContaining({ code: "lock-lost" })]);
    expect(isAnswered).toBe(false);
    heir.record({ kind: "codeRevised", revision: "heir", versions: "{}" });
    await heir.synced();
    expect((await recover(directory, wasm)).model.run.revision).toBe("heir");
  });

  test("a missing journal is told, not passed over", async () => {
    const directory = await createRunOnDisk(1);
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.synced();
    const other = await createRunOnDisk(1);
    const [journal = ""] = (await readdir(directory.own)).filter((name) => name.startsWith("journal"));
    const lines = (await readFile(directory.at(journal), "utf8")).split("\n").slice(1).join("\n");
    await writeFile(other.at(journal), lines);
    await expect(recover(other, wasm)).rejects.toMatchObject({ code: "journal-damaged" });
  });

  test("a scheduler that died before its first change voids nothing, and leaves the torn end before it readable", async () => {
    const directory = await createRunOnDisk(1);
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.synced();
    const { incarnation } = store.position;
    const journal = directory.at((await listJournals(directory)).at(-1)?.name ?? "");
    await writeFile(directory.at(nameOfJournal(incarnation + 1, store.position.seq + 1)), "");
    await appendFile(journal, '{"crc":"0000');
    expect((await recover(directory, wasm)).model.run.revision).toBe("r2");
    const next = await openStore(directory);
    expect(next.position.seq).toBe(store.position.seq + 1);
  });

  test("what a scheduler synced before it began its next journal is damaged, never a torn end", async () => {
    const directory = await createRunOnDisk(1);
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.close();
    const [before, next] = await listJournals(directory);
    expect(next?.incarnation).toBe(before?.incarnation);
    const path = directory.at(before?.name ?? "");
    await truncate(path, (await readFile(path)).length - 5);
    expect((await recover(directory, wasm)).model.run.revision).toBe("r2");
    await writeFile(directory.database, "not a database");
    await expect(recover(directory, wasm)).rejects.toMatchObject({ code: "journal-damaged" });
  });

  test("old journals are deleted, and the older snapshot stays readable", async () => {
    const directory = await createRunOnDisk(1);
    for (let i = 0; i < 5; i++) {
      const store = await openStore(directory);
      store.record({ kind: "codeRevised", revision: `r${i}`, versions: "{}" });
      await store.close();
    }
    const journals = (await readdir(directory.own)).filter((name) => name.startsWith("journal"));
    expect(journals.length).toBeLessThanOrEqual(4);
    await writeFile(directory.database, "not a database");
    expect((await recover(directory, wasm)).model.run.revision).toBe("r4");
  });
});

describe("a file of the state that changes while it is served", () => {
  const damages: [string, (path: string) => Promise<unknown>][] = [
    ["removed", (path) => rm(path)],
    ["emptied", (path) => truncate(path)],
    ["replaced by another", async (path) => writeFile(`${path}.x`, "x").then(() => rename(`${path}.x`, path))],
    ["replaced by a copy", async (path) => copyFile(path, `${path}.x`).then(() => rename(`${path}.x`, path))],
    ["replaced by a folder", async (path) => rm(path).then(() => mkdir(path))],
    ["made a link to nothing", async (path) => rm(path).then(() => symlink("nowhere", path))],
    ["made unreadable", (path) => chmod(path, 0)],
  ];
  const files: [string, (directory: RunDirectory) => Promise<string>][] = [
    ["the journal that is written", (directory) => journalOf(directory, -1)],
    ["a journal of before", (directory) => journalOf(directory, 0)],
    ["the snapshot", (directory) => Promise.resolve(directory.database)],
    ["the file of epochs", (directory) => Promise.resolve(directory.epochs)],
  ];
  const journalOf = async (directory: RunDirectory, which: number) =>
    directory.at((await listJournals(directory)).at(which)?.name ?? "");
  const cases = files.flatMap(([file, find]) =>
    damages.map(([damage, act]) => ({ name: `${file}, ${damage}`, find, act })),
  );

  test.each(cases)("$name, costs nothing that was answered", async ({ find, act }) => {
    const directory = await createRunOnDisk(2);
    const crashed = await openStore(directory);
    crashed.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await crashed.synced();
    const store = await openStore(directory);
    store.record({ kind: "learnerRemarked", learner: asLearnerId(0), remark: "before" });
    await store.synced();
    await act(await find(directory));
    store.record(submitted);
    store.record(assigned("1_1", 1, 7));
    await store.synced();
    await store.mend();
    store.record({ kind: "learnerRemarked", learner: asLearnerId(1), remark: "after" });
    await store.synced();
    expect(await store.mend()).toEqual([]);
    expect(stateOf(await recover(directory, wasm))).toEqual(stateOf(store));
    expect((await readFile(directory.epochs)).readBigUInt64LE(8)).toBe(7n);
  });

  test("is noticed at the next answer when it is the journal, which no longer holds what was answered before", async () => {
    const directory = await createRunOnDisk(1);
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.synced();
    await rm(await journalOf(directory, -1));
    store.record({ kind: "learnerRemarked", learner: asLearnerId(0), remark: "after" });
    await store.synced();
    expect(stateOf(await recover(directory, wasm))).toEqual(stateOf(store));
  });

  test("does not become the snapshot before when it is damaged", async () => {
    const directory = await createRunOnDisk(1);
    await (await openStore(directory)).close();
    await writeFile(directory.database, "garbage");
    const store = await openStore(directory);
    store.record({ kind: "codeRevised", revision: "r2", versions: "{}" });
    await store.synced();
    expect(await store.mend()).toEqual([directory.database]);
    await rm(directory.database);
    expect((await recover(directory, wasm)).model.run.revision).toBe("r2");
  });
});

function expectInDatabase({ database, model }: Store): void {
  expect(database.rows("learners", "ORDER BY id")).toEqual([...model.learners.values()]);
  expect(database.rows("jobs", "ORDER BY rowid")).toEqual([...model.jobs.values()]);
  expect(database.rows("run")).toEqual([model.run]);
}

function stateOf({ model }: Pick<Store, "model">) {
  const { seq: _, incarnation: __, ...run } = model.run;
  return {
    run,
    learners: structuredClone([...model.learners.values()]),
    jobs: structuredClone([...model.jobs.values()]),
    waiting: [...model.waiting].flatMap(([name, line]) => [...line].sort().map((id) => `${name} ${id}`)),
    counts: { ...model.learnerCounts },
    live: [...model.liveJobs],
  };
}
