import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Disk, OpenFile } from "../../src/scheduler/state/disk";
import type { NewChange } from "../../src/scheduler/state/changes";
import type { Store } from "../../src/scheduler/state/store";
import { asJobId, asLearnerId } from "../../src/scheduler/state/rows";
import { fill, smallDisk } from "../smallDisk";
import { createRunOnDisk, openStore, openTestFile } from "../unit/scheduler/runFixture";
import { Chance } from "./chance";
import { ServedRun, sleep } from "./servedRun";
import { printTotals, seed } from "./totals";

const rounds = 25;
const jobs = 8;

test("a disk that fills up under a scheduler, which is killed besides, costs nothing that it said", async () => {
  const chance = new Chance(seed);
  const folder = await smallDisk("12m");
  const run = await ServedRun.create(folder, { learners: 4000, jobs }, chance);
  const totals = { kills: 0, "full disks": 0, "starts refused": 0, unreadable: 0 };
  for (let round = 0; round < rounds; round++) {
    const isFullAtStart = chance.next() < 0.3;
    if (isFullAtStart) await fill(folder, chance.between(0, 64 << 10));
    const refusal = await run.serve();
    if (refusal !== null) {
      totals["starts refused"]++;
      if (!isFullAtStart || !/full|ENOSPC|no space/i.test(refusal)) totals.unreadable++;
    }
    await sleep(chance.between(10, 100));
    await fill(folder, chance.between(0, 16 << 10));
    totals["full disks"]++;
    await sleep(chance.between(20, 150));
    if (chance.next() < 0.3) {
      totals.kills++;
      if (chance.next() < 0.5) await run.kill();
      else await run.killWhileEnding(chance.between(0, 50));
      await rm(join(folder, "filler"));
      continue;
    }
    await rm(join(folder, "filler"));
    await sleep(chance.between(0, 2500));
    totals.kills++;
    await run.kill();
  }
  const { findings } = await run.finish();
  printTotals("disks full", { ...totals, ...findings });
  expect({ ...totals, ...findings }).toMatchObject({ lost: 0, "run twice": 0, contradictions: 0, unreadable: 0 });
  expect(await readFile(run.directory.log, "utf8")).toContain("disk-full");
});

type Failure = "ENOSPC" | "EDQUOT" | "EIO" | "short";

/** A disk whose nth write of all fails once, in one of the ways that disks have. */
function failingFiles(failAt: number, how: Failure) {
  let writes = 0;
  const fail = (): never => {
    throw Object.assign(new Error(how), { code: how });
  };
  const openFile = async (...args: Parameters<Disk["open"]>): Promise<OpenFile> => {
    const file = await openTestFile(...args);
    return {
      write: async (bytes, offset, length, position) => {
        if (++writes !== failAt) return file.write(bytes, offset, length, position);
        if (how === "short") return file.write(bytes, offset, Math.max(1, length >> 1), position);
        await file.write(bytes, offset, length >> 1, position);
        return fail();
      },
      datasync: () => file.datasync(),
      sync: () => file.sync(),
      writeFile: async (data) => {
        // What is written short, `writeFile` itself goes on with.
        if (++writes !== failAt || how === "short") return file.writeFile(data);
        await file.writeFile(data.slice(0, data.length >> 1));
        fail();
      },
      truncate: (length) => file.truncate(length),
      close: () => file.close(),
    };
  };
  return { openFile, hasFailed: () => writes >= failAt };
}

const submitted: NewChange = {
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: [{ id: asJobId("1_1"), name: "study-1_1" }],
};
const assigned = (learner: number): NewChange => ({
  kind: "learnerAssigned",
  learner: asLearnerId(learner),
  epoch: 1,
  revision: "r1",
  job: asJobId("1_1"),
  restart: 0,
  instance: "i",
  instances: 1,
  requestNumber: learner + 1,
  host: "n1",
  npointsBefore: 0,
});

test("a write that fails, whichever and however, loses nothing that was acknowledged", async () => {
  const learners = 12;
  const totals = { "failed writes": 0, "starts refused": 0, ended: 0, acknowledged: 0, lost: 0, unreadable: 0 };
  for (const how of ["ENOSPC", "EDQUOT", "EIO", "short"] as const) {
    for (let failAt = 1, hasFailed = true; hasFailed; failAt++) {
      const directory = await createRunOnDisk(learners);
      const progress = { acknowledged: 0 };
      const files = failingFiles(failAt, how);
      let isOpen = false;
      const isFatal = await new Promise<boolean>((resolve) => {
        const world = { openFile: files.openFile, sleep: () => Promise.resolve() };
        openStore(directory, { ...world, onFatal: () => resolve(true) })
          .then((store) => {
            isOpen = true;
            return assignAll(store, learners, progress);
          })
          .then(
            () => resolve(false),
            () => resolve(true),
          );
      });
      // Once there are no more writes to fail, all have been tried.
      hasFailed = files.hasFailed();
      // A start may be refused for want of room; what is open waits for it.
      expect(isFatal).toBe(hasFailed && (how === "EIO" || !isOpen));
      if (!isOpen) totals["starts refused"]++;
      if (hasFailed) totals["failed writes"]++;
      totals.acknowledged += progress.acknowledged;
      if (isFatal) totals.ended++;
      const heir = await openStore(directory).catch(() => null);
      if (!heir) {
        totals.unreadable++;
        continue;
      }
      const { model } = heir;
      await heir.close();
      const epochs = await readFile(directory.epochs);
      const assignedIds = [...model.learners.values()].filter(({ epoch }) => epoch === 1).map(({ id }) => id);
      if (assignedIds.length < progress.acknowledged) totals.lost++;
      for (const id of assignedIds) if (epochs.readBigUInt64LE(8 * id) !== 1n) totals.lost++;
    }
  }
  printTotals("writes failed", totals);
  expect(totals).toMatchObject({ lost: 0, unreadable: 0 });
});

/** Assigns one learner after the other, and counts those that were acknowledged. */
async function assignAll(store: Store, learners: number, progress: { acknowledged: number }): Promise<void> {
  store.record(submitted);
  for (let learner = 0; learner < learners; learner++) {
    store.record(assigned(learner));
    await store.synced();
    progress.acknowledged++;
  }
  await store.close();
}
