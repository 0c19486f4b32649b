import { expect, test } from "vitest";
import type { Change } from "../../../src/scheduler/state/changes";
import { Epochs } from "../../../src/scheduler/state/epochs";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";

const assigned = (learner: number, epoch: number) =>
  ({ kind: "learnerAssigned", learner: asLearnerId(learner), epoch, job: asJobId("1_1") }) as Change;

/** A file in memory that takes at most some bytes at a time and counts what it is asked. */
function fileOf(bytes: Buffer, atMost = Infinity) {
  const asked: [position: number, length: number][] = [];
  let syncs = 0;
  const epochs = new Epochs({
    write: (from, offset, length, position) => {
      const bytesWritten = Math.min(length, atMost);
      asked.push([position, bytesWritten]);
      bytes.set(from.subarray(offset, offset + bytesWritten), position);
      return Promise.resolve({ bytesWritten });
    },
    datasync: () => Promise.resolve(void syncs++),
    truncate: () => Promise.resolve(),
    close: () => Promise.resolve(),
  });
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

test("what a crash left behind is caught up with, also beyond the end; a fence is never lowered", async () => {
  const bytes = Buffer.alloc(4 * 8);
  const { epochs, values } = fileOf(bytes);
  await epochs.write([assigned(0, 9), assigned(1, 1), assigned(2, 3)]);
  const rows = [5, 2, 3, 4].map((epoch, i) => ({ id: asLearnerId(i), epoch }));
  await epochs.catchUp(bytes.subarray(0, 3 * 8), rows);
  expect(values()).toEqual([9, 2, 3, 4]);
});
