import fc from "fast-check";
import { expect, test } from "vitest";
import { columnsInRoom, columnTracks } from "../../../src/views/webview/columnWidths";

const column = fc.record({ needPx: fc.integer({ min: 20, max: 600 }), mayShrink: fc.boolean() });
const leastOf = (tracks: string) => [...tracks.matchAll(/minmax\((\d+)px/g)].map(([, px]) => Number(px));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test("numbers are never cut off, texts only where there is no room elsewhere", () => {
  fc.assert(
    fc.property(
      fc.array(column, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 0, max: 3000 }),
      (columns, room) => {
        const least = leastOf(columnTracks(columns, room));
        const needs = columns.map(({ needPx, mayShrink }) => (mayShrink ? Math.min(needPx, 360) : needPx));
        for (const [i, { mayShrink }] of columns.entries()) if (!mayShrink) expect(least[i]).toBe(needs[i]);
        if (sum(needs) <= room) expect(least).toEqual(needs);
        // What is cut off leaves no room unused, and no text is cut below another that is not.
        else if (least.some((px, i) => px < (needs[i] ?? 0) && px > 72)) {
          expect(sum(least)).toBeLessThanOrEqual(room);
          expect(sum(least)).toBeGreaterThan(room - columns.length);
        }
      },
    ),
  );
});

test("the longest texts are cut off first", () => {
  const columns = [
    { needPx: 60, mayShrink: false },
    { needPx: 90, mayShrink: true },
    { needPx: 300, mayShrink: true },
  ];
  expect(columnTracks(columns, 300)).toBe("minmax(60px, 60fr) minmax(90px, 90fr) minmax(150px, 150fr)");
});

test("where room is short columns of the highest rank are left out, no more than it takes, and never one that stays", () => {
  const ranked = fc.tuple(column, fc.option(fc.nat(3))).map(([need, rank]) => ({ ...need, rank }));
  fc.assert(
    fc.property(fc.array(ranked, { maxLength: 12 }), fc.integer({ min: 0, max: 3000 }), (columns, room) => {
      const least = (some: typeof columns) =>
        sum(some.map(({ needPx, mayShrink }) => (mayShrink ? Math.min(needPx, 72) : needPx)));
      const shown = columnsInRoom(columns, room);
      const left = columns.filter((one) => !shown.includes(one));
      const rankOf = ({ rank }: (typeof columns)[number]) => rank ?? -1;
      const lowest = Math.min(...left.map(rankOf));
      expect(left.every(({ rank }) => rank !== null)).toBe(true);
      expect(shown.every((one) => rankOf(one) < lowest)).toBe(true);
      if (left.length > 0) expect(least(columns.filter((one) => rankOf(one) <= lowest))).toBeGreaterThan(room);
      if (shown.some(({ rank }) => rank !== null)) expect(least([...shown])).toBeLessThanOrEqual(room);
    }),
  );
});
