import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change } from "../../../src/scheduler/state/changes";
import { crc32 } from "../../../src/scheduler/state/crc32";
import { decodeLine, encodeLine, readJournal } from "../../../src/scheduler/state/journal";

const changes = fc
  .array(fc.record({ revision: fc.string({ unit: "binary" }), time: fc.nat() }), { minLength: 1, maxLength: 10 })
  .map((items) => items.map((item, i): Change => ({ kind: "codeRevised", seq: i + 1, versions: "{}", ...item })));
const readAll = (bytes: Uint8Array, which = { name: "j", firstSeq: 1 }, isNewest = true) => {
  const changes: Change[] = [];
  const goodBytes = readJournal(bytes, which, isNewest, (change) => changes.push(change));
  return { changes, goodBytes };
};
const textOf = (items: readonly Change[]) => Buffer.from(items.map((item) => encodeLine(item)).join(""));

describe("a journal", () => {
  test("has the checksum of gzip", () => {
    expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
  });

  test("is read as it was written, one JSON object a line", () => {
    fc.assert(
      fc.property(changes, (items) => {
        const bytes = textOf(items);
        expect(readAll(bytes)).toEqual({
          changes: items,
          goodBytes: bytes.length,
        });
        for (const line of bytes.toString().trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("crc");
      }),
    );
  });

  test("cut anywhere, gives the changes whose lines are whole", () => {
    fc.assert(
      fc.property(changes, fc.nat(), (items, cut) => {
        const bytes = textOf(items);
        const part = bytes.subarray(0, cut % (bytes.length + 1));
        const whole = part.toString("latin1").split("\n").length - 1;
        const { changes, goodBytes } = readAll(part);
        expect(changes).toEqual(items.slice(0, whole));
        expect(textOf(changes).length).toBe(goodBytes);
      }),
    );
  });

  test("never gives a change with a flipped bit", () => {
    fc.assert(
      fc.property(changes, fc.nat(), fc.integer({ min: 0, max: 7 }), (items, where, bit) => {
        const bytes = textOf(items);
        const at = where % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        let read: Change[] = [];
        try {
          read = readAll(bytes).changes;
        } catch (error) {
          expect(error).toMatchObject({ code: "journal-damaged" });
        }
        expect(read).toEqual(items.slice(0, read.length));
        expect(read.length).toBeLessThan(items.length);
      }),
    );
  });

  test("damaged before its end stops the start, with file and offset", () => {
    const items: Change[] = [1, 2].map((seq) => ({ kind: "codeRevised", seq, time: 0, revision: "a", versions: "{}" }));
    const bytes = textOf(items);
    const newest = { name: "journal-1-1.jsonl", firstSeq: 1 };
    bytes[30] = 0;
    expect(() => readAll(bytes, newest)).toThrow("journal-1-1.jsonl is damaged at byte 0");
    const torn = textOf(items).subarray(0, -5);
    const second = torn.indexOf(10) + 1;
    expect(() => readAll(torn, newest, false)).toThrow(`damaged at byte ${second}`);
  });

  test("that lost some pages of the batch being written is read up to there; of any other batch it is damaged", () => {
    const revised = (seq: number): Change => ({ kind: "codeRevised", seq, time: 0, revision: "a", versions: "{}" });
    const lines = [1, 2, 3, 4, 5].map((seq) => encodeLine(revised(seq), Math.min(seq, 3)));
    const offsets = lines.map((_, i) => lines.slice(0, i).join("").length);
    const read = (from: number, length: number) => {
      const bytes = Buffer.from(lines.join(""));
      bytes.fill(0, (offsets[from] ?? 0) + 5, (offsets[from] ?? 0) + 5 + length);
      return readAll(bytes).changes.map(({ seq }) => seq);
    };
    const oneLine = lines[0]?.length ?? 0;
    expect(read(2, 20)).toEqual([1, 2]);
    expect(read(2, 20 + oneLine)).toEqual([1, 2]);
    expect(read(3, 20)).toEqual([1, 2, 3]);
    expect(() => read(1, 20)).toThrow("damaged at byte");
    expect(() => read(0, 20 + oneLine)).toThrow("damaged at byte");
    // The end of the batch before is gone as well, which was synced.
    expect(() => read(1, 20 + oneLine)).toThrow("damaged at byte");
  });

  test("does not take a line of an unknown kind for a change", () => {
    const line = encodeLine({ kind: "codeRevised", seq: 1, time: 0, revision: "a", versions: "{}" });
    expect(decodeLine(line.trimEnd())).not.toBeNull();
    expect(decodeLine('{"crc":"00000000","kind":"codeRevised"}')).toBeNull();
  });
});
