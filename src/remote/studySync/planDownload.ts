/** A data file on the cluster; one with the same size and time has the same content. */
export interface ResultFile {
  /** Relative to the study's folder, with `/`. */
  path: string;
  size: number;
  modifiedMs: number;
}

/** What was downloaded last, by path: what it was there, and its content. */
export type Ledger = Readonly<Record<string, Omit<ResultFile, "path"> & { sha256: string }>>;

/**
 * Which files to fetch: those that are new or have changed there since they were fetched last, and those that are no
 * longer here.
 * @param here the paths of those that are on this computer
 */
export function planDownload(
  there: readonly ResultFile[],
  ledger: Ledger,
  here: ReadonlySet<string>,
): readonly ResultFile[] {
  return there.filter(({ path, size, modifiedMs }) => {
    const last = ledger[path];
    return !here.has(path) || last?.size !== size || last.modifiedMs !== modifiedMs;
  });
}

/**
 * Where a file goes that is in the way of one that was fetched, or null when it need not be kept: it is what was
 * fetched last time, or the same as what came now.
 * @param own SHA-256 of the file that is in the way
 */
export function placeAside(path: string, own: string, fetched: string, ledger: Ledger): string | null {
  return own === fetched || own === ledger[path]?.sha256 ? null : `${path}.before-${own.slice(0, 8)}`;
}
