import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { Database } from "../../../src/scheduler/state/database";
import { recover } from "../../../src/scheduler/state/recovery";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { forgetJobs, type Placement, placementOf } from "../../../src/scheduler/study/place";
import { createRunOnDisk, openStore, wasm } from "./runFixture";

test.each([
  ["as it was made", true, true, "same", "here"],
  ["seen through a link", true, false, "same", "here"],
  ["moved, and nothing left behind", true, false, "gone", "moved"],
  ["of an inode that another disk has too", true, false, "other", "copied"],
  ["copied, and the original is there", false, false, "other", "copied"],
  ["copied, and the original is gone", false, false, "gone", "copied"],
  ["put back from a backup", false, true, "gone", "copied"],
] as [string, boolean, boolean, "same" | "other" | "gone", Placement][])(
  "a run %s",
  (_, isSameInode, isSamePath, original, placement) => {
    expect(placementOf(isSameInode, isSamePath, original)).toBe(placement);
  },
);

test("a fork forgets the original's jobs: what they hold waits again, with what it has", async () => {
  const store = await openStore(await createRunOnDisk(2));
  const [a, b] = [asJobId("1_1"), asJobId("1_2")];
  store.record({ kind: "jobsSubmitting", submission: 1, resourceClass: "default", count: 2, tries: null });
  const jobs = [a, b].map((id) => ({ id, name: id }));
  store.record({ kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs });
  const request = { restart: 0, instance: "i", instances: 1, requestNumber: 1, host: "n", revision: "r" };
  store.record({ kind: "learnerAssigned", learner: asLearnerId(0), epoch: 1, job: a, npointsBefore: 0, ...request });
  store.record({ kind: "progressNoted", learners: [asLearnerId(0)], npoints: [9], loss: [0.5] });
  store.record({ kind: "jobsSubmitting", submission: 2, resourceClass: "default", count: 1, tries: null });
  for (const change of forgetJobs(store.model)) store.record(change);
  await store.synced();
  const { learners, liveJobs, submissions, jobs: rows } = store.model;
  expect(learners.get(asLearnerId(0))).toMatchObject({ state: "waiting", npoints: 9, failures: 0, epoch: 1 });
  expect(liveJobs.size).toBe(0);
  expect([...rows.values()].map(({ reason }) => reason)).toEqual(Array(2).fill("belongs to the original run"));
  expect([...submissions.values()].map(({ state }) => state)).toEqual(["submitted", "refused"]);
  await store.close();
});

test("a database of another version is refused, and no older snapshot is taken in its place", async () => {
  const directory = await createRunOnDisk(1);
  const bytes = await readFile(directory.database);
  await rename(directory.database, directory.previousDatabase);
  const database = await Database.open(bytes, wasm);
  database.run("PRAGMA user_version = 99", []);
  await writeFile(directory.database, database.export());
  await mkdir(directory.at("jobs"), { recursive: true });
  await expect(recover(directory, wasm)).rejects.toMatchObject({
    code: "database-version",
    message: expect.stringContaining("its state has version 99") as string,
  });
});
