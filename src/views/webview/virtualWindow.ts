/** Rows of a long list, as indices: from `first` up to but not including `end`. */
export interface RowRange {
  first: number;
  end: number;
}

/** Which rows of fixed height are in sight, with some more on both sides for scrolling. */
export function rowsInSight(view: {
  scrollTop: number;
  height: number;
  rowHeight: number;
  total: number;
  overscan: number;
}): RowRange {
  const { scrollTop, height, rowHeight, total, overscan } = view;
  const first = Math.floor(scrollTop / rowHeight) - overscan;
  const end = Math.ceil((scrollTop + height) / rowHeight) + overscan;
  return { first: clamp(first, 0, total), end: clamp(end, 0, total) };
}

/** Where to scroll so that a row is in sight, moving as little as possible. */
export function scrollTopFor(row: number, view: { scrollTop: number; height: number; rowHeight: number }): number {
  const { scrollTop, height, rowHeight } = view;
  const top = row * rowHeight;
  if (top < scrollTop) return top;
  return Math.max(scrollTop, top + rowHeight - height);
}

/** The row that a key moves to from `row`, or null when the key does not move. */
export function rowAfterKey(
  key: string,
  row: number,
  { total, pageRows }: { total: number; pageRows: number },
): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: pageRows,
    PageUp: -pageRows,
    Home: -Infinity,
    End: Infinity,
  };
  const step = steps[key];
  return step === undefined || total === 0 ? null : clamp(row + step, 0, total - 1);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
