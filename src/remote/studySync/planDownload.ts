import { judgeDataName } from "./dataName";

/** A data file on the cluster; one with the same size and time has the same content. */
export interface ResultFile {
  /** Relative to the study's folder, with `/`. */
  path: string;
  size: number;
  modifiedMs: number;
}

/** What was downloaded last, by path: what it was there, and its content. */
export type Ledger = Readonly<Record<string, Omit<ResultFile, "path"> & { sha256: string }>>;

/** A file that is not written here, and why, in words that follow its name. */
export interface Refused {
  path: string;
  why: string;
}

export interface DownloadPlan {
  /** Those that are new or have changed there since they were fetched last, and those that are no longer here. */
  fetch: readonly ResultFile[];
  unchanged: number;
  refused: readonly Refused[];
  /** What of `fetch` a person has not agreed to yet. */
  toAgree: readonly Place[];
}

/** Files whose names are alike: `data/*.pickle`. */
export interface Place {
  place: string;
  files: number;
  bytes: number;
}

export interface DownloadCircumstances {
  ledger: Ledger;
  /** By path what stands in the way of a file on this computer: `file` for one that may be replaced, else why not. */
  here: ReadonlyMap<string, "file" | { why: string }>;
  /** The study's own files, which are sent to the cluster and never fetched from there. */
  own: ReadonlySet<string>;
  /** Places that a person has agreed to. */
  agreed: ReadonlySet<string>;
  /** Names that differ in capitals or in how an accent is written are those of one file here. */
  foldsNames: boolean;
}

/** What is done with the data files that a head node lists: it may list anything. */
export function planDownload(
  there: readonly ResultFile[],
  { ledger, here, own, agreed, foldsNames }: DownloadCircumstances,
): DownloadPlan {
  const fetch: ResultFile[] = [];
  const refused: Refused[] = [];
  const toAgree = new Map<string, Place>();
  const ownNames = new Set([...own].map(folded));
  const files = new Map(there.map((one) => [one.path, one]));
  const firstOfTwins = foldsNames ? firstOf(files.keys()) : new Map<string, string>();
  let unchanged = 0;
  for (const { path, size, modifiedMs } of files.values()) {
    const judged = judgeDataName(path);
    const found = here.get(path);
    const last = Object.hasOwn(ledger, path) ? ledger[path] : undefined;
    const twin = firstOfTwins.get(oneName(path)) ?? path;
    if (judged.kind === "refused") refused.push({ path, why: judged.why });
    else if (found !== undefined && found !== "file") refused.push({ path, why: found.why });
    else if (last === undefined && ownNames.has(folded(path))) refused.push({ path, why: "is a file of the study" });
    else if (twin !== path) refused.push({ path, why: `would take the place of ${twin} here` });
    else if (found === "file" && last?.size === size && last.modifiedMs === modifiedMs) unchanged++;
    else {
      fetch.push({ path, size, modifiedMs });
      if (agreed.has(judged.place)) continue;
      const place = toAgree.get(judged.place) ?? { place: judged.place, files: 0, bytes: 0 };
      toAgree.set(judged.place, { ...place, files: place.files + 1, bytes: place.bytes + size });
    }
  }
  return { fetch, unchanged, refused, toAgree: [...toAgree.values()] };
}

/** Of names of data that are one file here the one that is fetched, each time the same. */
function firstOf(paths: Iterable<string>): Map<string, string> {
  const first = new Map<string, string>();
  for (const path of paths) {
    const other = first.get(oneName(path));
    if (judgeDataName(path).kind === "data" && (other === undefined || path < other)) first.set(oneName(path), path);
  }
  return first;
}

/** As any file system may compare names. */
function folded(path: string): string {
  return path.normalize("NFKC").toLowerCase();
}

/** As those of macOS and Windows do: capitals, and how an accent is written. */
function oneName(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

/**
 * Where a file goes that is in the way of one that was fetched, or null when it need not be kept: it is what was
 * fetched last time, or the same as what came now.
 * @param own SHA-256 of the file that is in the way
 */
export function placeAside(path: string, own: string, fetched: string, last: string | undefined): string | null {
  return own === fetched || own === last ? null : `${path}.before-${own.slice(0, 8)}`;
}
