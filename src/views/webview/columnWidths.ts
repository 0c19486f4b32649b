/** A column as wide as what it shows needs. */
export interface ColumnNeed {
  /** In pixels. */
  needPx: number;
  /** Whether it may be cut off where room is short: a long text may, a number never. */
  mayShrink: boolean;
}

/** Below this a text cannot be told from another. */
const leastPx = 72;
/** What one text may take while others need room. */
const mostPx = 360;

/**
 * The columns that are shown: where room is short those whose `rank` is highest are left out first, as long as that
 * helps; those without a rank stay.
 */
export function columnsInRoom<T extends ColumnNeed & { rank: number | null }>(
  columns: readonly T[],
  roomPx: number,
): readonly T[] {
  const least = sum(columns.map(({ needPx, mayShrink }) => (mayShrink ? Math.min(needPx, leastPx) : needPx)));
  const ranks = columns.flatMap(({ rank }) => (rank === null ? [] : [rank]));
  if (least <= roomPx || ranks.length === 0) return columns;
  const last = Math.max(...ranks);
  return columnsInRoom(
    columns.filter(({ rank }) => rank !== last),
    roomPx,
  );
}

/**
 * The widths of columns as CSS grid tracks: what each needs, and the room that is left in shares. Where room is
 * short the longest texts are cut off first, and where that is not enough the list scrolls.
 */
export function columnTracks(columns: readonly ColumnNeed[], roomPx: number): string {
  const needs = columns.map(({ needPx, mayShrink }) => (mayShrink ? Math.min(needPx, mostPx) : needPx));
  const shrinking = columns.flatMap(({ mayShrink }, i) => (mayShrink ? [needs[i] ?? 0] : []));
  const fixed = sum(needs) - sum(shrinking);
  const cap = capFor(shrinking, roomPx - fixed);
  return columns
    .map(({ mayShrink }, i) => {
      const width = mayShrink ? Math.min(needs[i] ?? 0, cap) : (needs[i] ?? 0);
      return `minmax(${width}px, ${Math.max(1, width)}fr)`;
    })
    .join(" ");
}

/** The width above which texts are cut off so that together they fit into some room. */
function capFor(needs: readonly number[], roomPx: number): number {
  const ascending = [...needs].sort((a, b) => a - b);
  let left = roomPx;
  for (const [i, need] of ascending.entries()) {
    const share = left / (ascending.length - i);
    if (need > share) return Math.max(leastPx, Math.floor(share));
    left -= need;
  }
  return Infinity;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
