import { basename, dirname, resolve } from "node:path";
import { readdir, stat } from "node:fs/promises";
import { shellQuote } from "../jobs/quote";
import { formatCount, plural } from "../state/counts";
import { errnoOf } from "../state/errors";
import type { Model } from "../state/model";
import { fnameOf, type LearnerRow } from "../state/rows";
import { withHome } from "./dataPlaces";

type Named = Pick<LearnerRow, "fname" | "type" | "state">;

/** Of a folder with fewer files that are wanted each is looked at; else the folder is listed, which is one question. */
const fewFiles = 8;
/** Folders at a time: not all of Node's four threads for files, one of which writes the journal. */
const foldersAtOnce = 2;
/** Names in words. */
const shownNames = 3;

/**
 * Names of data files of done learners that are not there, in their order. What cannot be looked at is not called missing.
 * Of 100 000 learners in one folder it is one listing.
 */
export async function missingData(directory: string, learners: Iterable<Named>): Promise<string[]> {
  const files: { name: string; path: string }[] = [];
  const byFolder = new Map<string, string[]>();
  for (const row of learners) {
    if (row.state !== "done") continue;
    for (const name of [fnameOf(row)].flat()) {
      const path = resolve(directory, withHome(name));
      const inFolder = byFolder.get(dirname(path));
      if (inFolder) inFolder.push(path);
      else byFolder.set(dirname(path), [path]);
      files.push({ name, path });
    }
  }
  const missing = new Set<string>();
  const folders = byFolder.entries();
  const look = async (): Promise<void> => {
    for (const [folder, paths] of folders) {
      const isThere = await lookInto(folder, paths.length);
      for (const path of paths) if (!(await isThere(path))) missing.add(path);
    }
  };
  await Promise.all(Array.from({ length: foldersAtOnce }, look));
  return files.filter(({ path }) => missing.has(path)).map(({ name }) => name);
}

/** What tells whether a file of a folder is there; true where nobody can say. */
async function lookInto(folder: string, count: number): Promise<(path: string) => boolean | Promise<boolean>> {
  if (count < fewFiles) {
    return (path) =>
      stat(path).then(
        () => true,
        (error: unknown) => !isAbsence(error),
      );
  }
  try {
    const names = new Set(await readdir(folder));
    return (path) => names.has(basename(path));
  } catch (error) {
    return () => !isAbsence(error);
  }
}

function isAbsence(error: unknown): boolean {
  return errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR";
}

/** What a person should know and can do; null when all is there. */
export function missingWords(missing: readonly string[], done: number, directory: string): string | null {
  if (missing.length === 0) return null;
  const shown = missing.slice(0, shownNames);
  const others = missing.length - shown.length;
  const names = `${shown.join(", ")}${others > 0 ? ` and ${formatCount(others)} more` : ""}`;
  const reopen = ["adaptive-scheduler", "reopen", directory, ...(others > 0 ? [] : shown)].map(shellQuote).join(" ");
  const beside = others > 0 ? " (learners whose data is there are done again at once)" : "";
  return `Data of done learners is gone: ${names}, of ${plural(done, "learner")} done. Put it back; or have it computed again: ${reopen}${beside}`;
}

/** What a person should know of the data of a run's done learners; null when all is there. */
export async function remarkOnData(directory: string, { learners, learnerCounts }: Model): Promise<string | null> {
  return missingWords(await missingData(directory, learners.values()), learnerCounts.done, directory);
}
