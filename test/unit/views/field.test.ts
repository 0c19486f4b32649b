import { describe, expect, test } from "vitest";
import type { PointsPreview, SimplePreview, SurfacePreview } from "../../../src/scheduler/workers/messages";
import { colourOf, colourTable } from "../../../src/views/colourMap";
import {
  fieldOfPoints,
  fieldOfSurface,
  nearestPoint,
  rasterize,
  spanOf,
  ticksIn,
  trianglesOf,
} from "../../../src/views/field";
import { previewSummary, previewTable } from "../../../src/views/previewText";

const surface: SurfacePreview = {
  kind: "surface",
  npoints: 5,
  facts: [],
  x: [0, 2, 0, 2, null],
  y: [0, 0, 1, 1, 0],
  z: [0, 0, 1, 1, 5],
  xLabel: "x",
  yLabel: "y",
  zLabel: "z",
  bounds: [
    [0, 2],
    [0, 1],
  ],
};

describe("a field", () => {
  test("leaves out points with a value that is not finite", () => {
    expect(fieldOfSurface(surface)).toMatchObject({ x: [0, 2, 0, 2], value: [0, 0, 1, 1], isFilled: true });
  });

  test("is coloured between its points, dark below and bright above", () => {
    const field = fieldOfSurface(surface);
    expect(trianglesOf(field)).toHaveLength(6);
    const [width, height] = [8, 4];
    const pixels = rasterize(field, [0, 1], width, height);
    const at = (x: number, y: number) => [...pixels.subarray(4 * (y * width + x), 4 * (y * width + x) + 4)];
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) expect(at(x, y)[3]).toBe(255);
      // Row by row from the top, where y and so the value is greatest.
      expect(at(x, 0)[1]).toBeGreaterThan(at(x, height - 1)[1] ?? 0);
    }
    expect(at(2, 1)).toEqual(at(6, 1));
  });

  test.each([0, 1, 2])("of %s points has no triangles and draws nothing", (count) => {
    const few = {
      ...surface,
      x: surface.x.slice(0, count),
      y: surface.y.slice(0, count),
      z: surface.z.slice(0, count),
    };
    expect(trianglesOf(fieldOfSurface(few))).toHaveLength(0);
    expect(rasterize(fieldOfSurface(few), [0, 1], 2, 2).every((byte) => byte === 0)).toBe(true);
  });

  test("of more variables is seen along two of them", () => {
    const points: PointsPreview = {
      kind: "points",
      npoints: 2,
      facts: [],
      x: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
      value: [7, 8],
      labels: ["a", "b", "c"],
      valueLabel: "f",
      bounds: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    };
    const field = fieldOfPoints(points, [2, 0]);
    expect(field).toMatchObject({ x: [4, 5], y: [0, 1], labels: ["c", "a", "f"], isFilled: false });
    expect(nearestPoint(field, [0.98, 0.99], 0.1)).toBe(1);
    expect(nearestPoint(field, [0.5, 0.5], 0.1)).toBeNull();
  });
});

test.each([
  [[0, 1], 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [[-1, 1], 4, [-1, -0.5, 0, 0.5, 1]],
  [[0.13, 0.88], 3, [0.5]],
  [[0, 30_000], 3, [0, 10_000, 20_000, 30_000]],
] as const)("ticks in %j, about %s: %j", (span, count, ticks) => {
  expect(ticksIn(span, count)).toEqual(ticks);
});

test("the span of values is one where they are all the same, and where there are none", () => {
  expect([spanOf([3, 1, 2]), spanOf([4]), spanOf([])]).toEqual([
    [1, 3],
    [3.5, 4.5],
    [0, 1],
  ]);
});

test("viridis goes from dark violet to bright yellow, ever brighter", () => {
  expect([colourOf(0), colourOf(1)]).toEqual([
    [71, 1, 85],
    [252, 231, 33],
  ]);
  const table = colourTable();
  const brightness = (i: number) =>
    0.21 * (table[3 * i] ?? 0) + 0.72 * (table[3 * i + 1] ?? 0) + 0.07 * (table[3 * i + 2] ?? 0);
  for (let i = 8; i < 256; i += 8) expect(brightness(i)).toBeGreaterThan(brightness(i - 8));
});

describe("a preview in words and as a table", () => {
  const learner = { label: "k=2", state: "done", npoints: 5, loss: 0.5 };
  const common = { npoints: 5, facts: [{ label: "mean", text: "0.5 ± 0.1" }] };
  test.each<[SimplePreview, RegExp, string[], unknown[]]>([
    [surface, /x from 0 to 2; y from 0 to 1; z from 0 to 5$/, ["x", "y", "z"], [0, 0, 0]],
    [
      { kind: "histogram", ...common, edges: [0, 1, 2], counts: [3, 2], xLabel: "y", mean: 0.5, standardError: 0.1 },
      /a histogram of 2 bins; y from 0 to 2; mean 0\.5 ± 0\.1$/,
      ["y from", "to", "samples"],
      [0, 1, 3],
    ],
    [
      { kind: "sequence", ...common, index: [0, 3], values: [null, 1], texts: ["'a'", "1"], total: 1000 },
      /5 of 1.000 entries/,
      ["index", "value"],
      [0, "'a'"],
    ],
    [
      {
        kind: "line",
        ...common,
        x: [0, 1],
        y: [[2, 3]],
        errors: [0.1, null],
        xLabel: "x",
        yLabel: "y",
        bounds: [0, 1],
      },
      /y from 2 to 3; mean/,
      ["x", "y", "standard error"],
      [0, 2, 0.1],
    ],
  ])("%#", (preview, words, columns, firstRow) => {
    expect(previewSummary(preview, learner)).toMatch(words);
    const table = previewTable(preview);
    expect(table.columns).toEqual(columns);
    expect(table.values.map((column) => column[0])).toEqual(firstRow);
  });
});
