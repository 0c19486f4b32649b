import Delaunator from "delaunator";
import type { PointsPreview, SurfacePreview } from "../scheduler/workers/messages";
import { colourTable } from "./colourMap";

export type Interval = readonly [low: number, high: number];

/** Values at scattered points of a plane. */
export interface Field {
  x: readonly number[];
  y: readonly number[];
  value: readonly number[];
  bounds: readonly [Interval, Interval];
  labels: readonly [x: string, y: string, value: string];
  /** Whether the plane between the points is coloured too: not when other variables differ. */
  isFilled: boolean;
}

export function fieldOfSurface({ x, y, z, bounds, xLabel, yLabel, zLabel }: SurfacePreview): Field {
  return { ...finite(x, y, z), bounds, labels: [xLabel, yLabel, zLabel], isFilled: true };
}

/** Points of more variables, seen along all but two of them. */
export function fieldOfPoints(preview: PointsPreview, [i, j]: readonly [number, number]): Field {
  const axis = (k: number) => preview.x[k] ?? [];
  const span = (k: number): Interval => preview.bounds[k] ?? [0, 1];
  const labels = [preview.labels[i] ?? "", preview.labels[j] ?? "", preview.valueLabel] as const;
  return { ...finite(axis(i), axis(j), preview.value), bounds: [span(i), span(j)], labels, isFilled: false };
}

function finite(...columns: [x: Values, y: Values, value: Values]): Pick<Field, "x" | "y" | "value"> {
  const [x, y, value] = columns;
  const kept = x.flatMap((_, i) => (columns.every((column) => (column[i] ?? null) !== null) ? [i] : []));
  const pick = (column: Values) => kept.map((i) => column[i] ?? 0);
  return { x: pick(x), y: pick(y), value: pick(value) };
}
type Values = readonly (number | null)[];

/** Whether both directions of a plane span the same, so that it is drawn as a square. */
export function isSameSpan([[x1, x2], [y1, y2]]: Field["bounds"]): boolean {
  return Math.abs(x2 - x1 - (y2 - y1)) <= 1e-9 * Math.abs(x2 - x1);
}

/** The smallest and the largest; one apart when they are the same. */
export function spanOf(values: readonly number[]): Interval {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/** About `count` round numbers within an interval. */
export function ticksIn([low, high]: Interval, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Triangles between the points, as three indices each; coordinates are scaled to the bounds, as adaptive does. */
export function trianglesOf({ x, y, bounds: [xBounds, yBounds] }: Field): Uint32Array {
  if (x.length < 3) return new Uint32Array();
  const coordinates = new Float64Array(2 * x.length);
  for (let i = 0; i < x.length; i++) {
    coordinates[2 * i] = fraction(x[i] ?? 0, xBounds);
    coordinates[2 * i + 1] = fraction(y[i] ?? 0, yBounds);
  }
  return new Delaunator(coordinates).triangles;
}

/** Where a value lies in an interval: 0 at its low end, 1 at its high end. */
export function fraction(value: number, [low, high]: Interval): number {
  return high === low ? 0.5 : (value - low) / (high - low);
}

/**
 * Colours a picture by linear interpolation in each triangle.
 *
 * @returns red, green, blue and alpha of each pixel, row by row from the top; clear where no triangle is
 */
export function rasterize(field: Field, span: Interval, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * width * height);
  const table = colourTable();
  const triangles = trianglesOf(field);
  const column = (i: number) => fraction(field.x[i] ?? 0, field.bounds[0]) * width;
  const row = (i: number) => (1 - fraction(field.y[i] ?? 0, field.bounds[1])) * height;
  for (let t = 0; t + 2 < triangles.length; t += 3) {
    const [a, b, c] = [triangles[t] ?? 0, triangles[t + 1] ?? 0, triangles[t + 2] ?? 0];
    const [ax, ay, bx, by, cx, cy] = [column(a), row(a), column(b), row(b), column(c), row(c)];
    const area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay);
    if (area === 0) continue;
    const shades = [a, b, c].map((i) => 255 * fraction(field.value[i] ?? 0, span));
    const [sa = 0, sb = 0, sc = 0] = shades;
    const bottom = Math.min(height - 1, Math.ceil(Math.max(ay, by, cy)));
    for (let py = Math.max(0, Math.floor(Math.min(ay, by, cy))); py <= bottom; py++) {
      const right = Math.min(width - 1, Math.ceil(Math.max(ax, bx, cx)));
      for (let px = Math.max(0, Math.floor(Math.min(ax, bx, cx))); px <= right; px++) {
        const [x, y] = [px + 0.5, py + 0.5];
        const wa = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area;
        const wb = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area;
        const wc = 1 - wa - wb;
        // A hair more than the triangle, so that no seams show between two.
        if (wa < -0.01 || wb < -0.01 || wc < -0.01) continue;
        const shade = 3 * Math.round(Math.min(255, Math.max(0, wa * sa + wb * sb + wc * sc)));
        const at = 4 * (py * width + px);
        pixels[at] = table[shade] ?? 0;
        pixels[at + 1] = table[shade + 1] ?? 0;
        pixels[at + 2] = table[shade + 2] ?? 0;
        pixels[at + 3] = 255;
      }
    }
  }
  return pixels;
}

/** The point nearest to a place given as fractions of the bounds, or null when none is near. */
export function nearestPoint({ x, y, bounds }: Field, at: readonly [number, number], reach: number): number | null {
  let best = reach * reach;
  let nearest: number | null = null;
  for (let i = 0; i < x.length; i++) {
    const dx = fraction(x[i] ?? 0, bounds[0]) - at[0];
    const dy = fraction(y[i] ?? 0, bounds[1]) - at[1];
    const distance = dx * dx + dy * dy;
    if (distance < best) [best, nearest] = [distance, i];
  }
  return nearest;
}
