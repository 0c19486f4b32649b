import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { Change } from "../../../src/scheduler/state/changes";
import { beginEpochs, Epochs } from "../../../src/scheduler/state/epochs";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import type { Store } from "../../../src/scheduler/state/store";
import { createRunOnDisk, openStore } from "./runFixture";

const assigned = (learner: number, epoch: number) =>
  ({ kind: "learnerAssigned", learner: asLearnerId(learner), epoch, job: asJobId("1_1") }) as Change;

/** A file in memory that takes at most some bytes at a time and counts what it is asked. */
function fileOf(bytes: Buffer, atMost = Infinity) {
  const asked: [position: number, length: number][] = [];
  let syncs = 0;
  const epochs = new Epochs(
    {
      write: (from, offset, length, position) => {
        const bytesWritten = Math.min(length, atMost);
        asked.push([position, bytesWritten]);
        bytes.set(from.subarray(offset, offset + bytesWritten), position);
        return Promise.resolve({ bytesWritten });
      },
      datasync: () => Promise.resolve(void syncs++),
      close: () => Promise.resolve(),
    },
    1,
    Buffer.alloc(bytes.length),
  );
  const values = () => Array.from({ length: bytes.length / 8 }, (_, i) => Number(bytes.readBigUInt64LE(8 * i)));
  return { epochs, values, asked, syncs: () => syncs };
}

test("neighbours are one write, and of several epochs of a learner the newest counts", async () => {
  const { epochs, values, asked, syncs } = fileOf(Buffer.alloc(6 * 8));
  await epochs.write([assigned(2, 4), assigned(1, 7), assigned(5, 1), assigned(2, 5)]);
  expect(values()).toEqual([0, 7, 5, 0, 0, 1]);
  expect(asked).toEqual([
    [8, 16],
    [40, 8],
  ]);
  expect(syncs()).toBe(1);
});

test("a disk that takes a few bytes at a time gets all of them", async () => {
  const { epochs, values } = fileOf(Buffer.alloc(2 * 8), 3);
  await epochs.write([assigned(0, 2 ** 40), assigned(1, 2 ** 33 + 1)]);
  expect(values()).toEqual([2 ** 40, 2 ** 33 + 1]);
});

test("without an assignment nothing is written or synced", async () => {
  const { epochs, asked, syncs } = fileOf(Buffer.alloc(8));
  await epochs.write([{ kind: "codeRevised", revision: "r2", versions: "{}", seq: 1, time: 0 }]);
  expect([asked, syncs()]).toEqual([[], 0]);
});

test("a new file is caught up with the journal; what a former scheduler still writes is read by nobody", async () => {
  const directory = await createRunOnDisk(3);
  const learners = (...epochs: number[]) => new Map(epochs.map((epoch, i) => [asLearnerId(i), { epoch }]));
  const former = await beginEpochs(directory, learners(0, 0, 0));
  await former.write([assigned(0, 9), assigned(1, 1)]);
  const current = await beginEpochs(directory, learners(5, 2, 3, 4));
  await former.write([assigned(1, 1)]);
  const bytes = await readFile(directory.epochs);
  expect(bytes).toEqual(Buffer.from(BigUint64Array.of(9n, 2n, 3n, 4n).buffer));
  await former.close();
  await current.close();
});

test("a file that is deleted while it is open is made anew with all epochs, and those that follow go there", async () => {
  const directory = await createRunOnDisk(2);
  const store = await openStore(directory);
  await assign(store, 0, 3);
  expect(await store.mend()).toEqual([]);
  await rm(directory.epochs);
  const assigning = assign(store, 1, 4);
  expect(await store.mend()).toEqual([directory.epochs]);
  await assigning;
  await assign(store, 0, 5);
  const bytes = await readFile(directory.epochs);
  expect([0, 1].map((learner) => Number(bytes.readBigUInt64LE(8 * learner)))).toEqual([5, 4]);
  await store.close();
});

async function assign(store: Store, learner: number, epoch: number): Promise<void> {
  const job = asJobId(`1_${epoch}`);
  store.record({ kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs: [{ id: job, name: job }] });
  const request = { restart: 0, instance: "i", instances: 1, requestNumber: 1, host: "n", revision: "r" };
  store.record({ kind: "learnerAssigned", learner: asLearnerId(learner), epoch, job, npointsBefore: 0, ...request });
  await store.synced();
}

test.each([
  ["whole", () => Promise.resolve(), [0, 5, 7]],
  ["missing", ({ epochs }) => rm(epochs), [0, 5, 7]],
  ["cut in the middle of an epoch", ({ epochs }) => truncate(epochs, 13), [0, 5, 7]],
  ["empty", ({ epochs }) => truncate(epochs, 0), [0, 5, 7]],
  ["behind", ({ epochs }) => writeFile(epochs, Buffer.from(BigUint64Array.of(0n, 2n).buffer)), [0, 5, 7]],
] as [string, (directory: RunDirectory) => Promise<void>, number[]][])(
  "a file of epochs that is %s is right before anybody is served",
  async (_, damage, epochs) => {
    const directory = await createRunOnDisk(3);
    const before = await openStore(directory);
    await assign(before, 1, 5);
    await assign(before, 2, 7);
    await before.close();
    await damage(directory);
    const store = await openStore(directory);
    const values = async () => {
      const bytes = await readFile(directory.epochs);
      return [0, 1, 2].map((learner) => Number(bytes.readBigUInt64LE(8 * learner)));
    };
    expect(await values()).toEqual(epochs);
    await assign(store, 0, 9);
    expect(await values()).toEqual([9, 5, 7]);
    await store.close();
  },
);
