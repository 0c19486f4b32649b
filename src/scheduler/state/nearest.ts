/** The name that was probably meant, or null when none is close: for "did you mean …". */
export function nearest(given: string, names: readonly string[]): string | null {
  const ranked = names
    .map((name) => ({ name, unlikeness: Math.min(unlikeness(given, name), unlikeness(last(given), last(name))) }))
    .sort((a, b) => a.unlikeness - b.unlikeness);
  const [best] = ranked;
  if (!best) return null;
  const isMeant =
    (best.unlikeness < maxUnlikeness && (beginAlike(given, best.name, 1) || isOneSlip(given, best.name))) ||
    (best.unlikeness < maxOfSameBeginning && beginAlike(given, best.name, beginningLength));
  return isMeant ? best.name : null;
}

const maxUnlikeness = 0.35;
/** Of names that begin with the same letters, as `retry` and `retries` do. */
const maxOfSameBeginning = 0.45;
const beginningLength = 3;

function beginAlike(given: string, name: string, letters: number): boolean {
  const [a, b] = [last(given), last(name)].map((text) => text.toLowerCase().slice(0, letters));
  return a === b;
}

/** Whoever writes another first letter, and more besides, means another word: `dance` is not `cancel`. */
const isOneSlip = (given: string, name: string): boolean =>
  distance(given, name) === 1 || distance(last(given), last(name)) === 1;

const last = (name: string): string => name.split(".").at(-1) ?? name;

/** 0 for the same, 1 for nothing in common. */
const unlikeness = (a: string, b: string): number => distance(a, b) / Math.max(a.length, b.length, 1);

/** Letters to insert, delete, replace, or swap with their neighbour (optimal string alignment), whatever their case. */
function distance(a: string, b: string): number {
  const [from, to] = [a.toLowerCase(), b.toLowerCase()];
  let twoBack: number[] = [];
  let back = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = (back[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? (twoBack[j - 2] ?? 0) + 1 : Infinity;
      row[j] = Math.min(replaced, swapped, (back[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
    }
    [twoBack, back] = [back, row];
  }
  return back[to.length] ?? 0;
}
