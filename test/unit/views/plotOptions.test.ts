import { describe, expect, test } from "vitest";
import { isSameSpan } from "../../../src/views/field";
import { timeTexts, yScale } from "../../../src/views/webview/plotOptions";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const midnight = new Date(2026, 10, 28).getTime() / 1000;

describe("the ticks of time", () => {
  test.each([
    ["a few minutes", [3 * hour, 3 * hour + 30], 30, 4 * minute, ["03:00:00", "03:00:30"]],
    ["an hour", [3 * hour, 3 * hour + 600], 600, hour, ["03:00", "03:10"]],
    ["a single one of a short axis", [3 * hour], 6 * hour, 5 * hour, ["03:00"]],
    ["midnight within a few hours", [0], day, 5 * hour, ["00:00"]],
    ["none", [], day, minute, []],
    ["more than a day", [0, 12 * hour], 12 * hour, 2 * day, ["Nov 28", "12:00"]],
    ["weeks", [0, 7 * day], 7 * day, 20 * day, ["Nov 28", "Dec 5"]],
  ])("%s", (_, offsets, stepSeconds, spanSeconds, texts) => {
    const splits = offsets.map((offset) => midnight + offset);
    expect(timeTexts(splits, { stepSeconds, spanSeconds })).toEqual(texts);
  });
});

describe("what y spans", () => {
  test.each([
    ["counts of nothing", 0, 0, true, [0, 1]],
    ["counts", 3, 100, true, [0, 106]],
    ["values", -1, 1, false, [-1.12, 1.12]],
    ["one value", 2, 2, false, [1.88, 2.12]],
    ["nothing", null, null, false, [0, 1]],
  ] as const)("%s", (_, min, max, startsAtZero, span) => {
    expect(yScale(min, max, startsAtZero)).toEqual(span);
  });
});

test.each([
  [[-1, 1], [-1, 1], true],
  [[0, 2], [5, 7], true],
  [[-1, 1], [0, 1], false],
] as const)("a plane of %j and %j is square: %s", (x, y, isSquare) => {
  expect(isSameSpan([x, y])).toBe(isSquare);
});
