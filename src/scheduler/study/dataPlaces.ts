import { mkdir, realpath, rename, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { NewChange } from "../state/changes";
import { errnoOf } from "../state/errors";
import type { Model } from "../state/model";
import { fnameOf, type LearnerRow } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { withDataframes } from "./overlap";

/** What a code revision's folder is called, relative to the run directory, and a file in it. */
const inRevision = /^\.adaptive(?:-[^/]+)?\/code\/[^/]+\/(.+)$/;

/**
 * Has a run that an older version made keep its data where the study has it. That version knew data files by absolute
 * names, and read a study that makes paths of `__file__` such that its data came to lie among the run's code: this is
 * moved to the place in the study that was meant, and where several revisions have a file, the one with most points.
 * The others stay where they are.
 *
 * @returns the changes that say so
 */
export async function settleData(directory: RunDirectory, { run, learners }: Model): Promise<NewChange[]> {
  const roots = new Set([directory.path, run.directory, await realpath(directory.path)]);
  const byPlace = new Map<string, LearnerRow[]>();
  for (const row of learners.values()) {
    const place = placeOf(row, roots);
    const rows = byPlace.get(place);
    if (rows) rows.push(row);
    else byPlace.set(place, [row]);
  }
  const renamed: Pick<LearnerRow, "id" | "fname">[] = [];
  const remarks: NewChange[] = [];
  for (const [place, rows] of byPlace) {
    const owner = rows.find(({ isListed }) => isListed) ?? rows.at(-1);
    if (!owner || rows.every(({ fname }) => fname === place)) continue;
    // Its job saves where it began to; the next start finds it there.
    if (rows.some((row) => row.state === "running" && isInRevision(row, roots))) continue;
    if (owner.fname !== place) renamed.push({ id: owner.id, fname: place });
    const moved = await moveBest(directory, rows, fnameOf({ ...owner, fname: place }), roots);
    if (moved !== null) {
      const remark = `its data was among the run's code, and was moved from ${moved}`;
      remarks.push({ kind: "learnerRemarked", learner: owner.id, remark });
    }
  }
  return renamed.length === 0 ? remarks : [{ kind: "learnersRenamed", learners: renamed }, ...remarks];
}

/** A learner's file name as `adaptive_scheduler.fnames.normal` gives it: relative to the run directory where it is inside. */
function placeOf(row: LearnerRow, roots: Iterable<string>): string {
  const names = fnameOf(row);
  if (typeof names === "string") return placeOfFile(names, roots);
  return JSON.stringify(names.map((name) => placeOfFile(name, roots)));
}

function placeOfFile(name: string, roots: Iterable<string>): string {
  const inside = insideOf(name, roots);
  return inRevision.exec(inside)?.[1] ?? inside;
}

/** The name of a data file in an earlier version's rows may begin with `~/`. */
export const withHome = (name: string): string => (name.startsWith("~/") ? join(homedir(), name.slice(2)) : name);

function insideOf(name: string, roots: Iterable<string>): string {
  const path = withHome(name);
  if (!isAbsolute(path)) return path;
  const inside = Array.from(roots, (root) => relative(root, path)).find((found) => !found.startsWith(".."));
  return inside ?? name;
}

function isInRevision(row: LearnerRow, roots: Iterable<string>): boolean {
  return [fnameOf(row)].flat().some((name) => inRevision.test(insideOf(name, roots)));
}

/** Moves the files of the row with most points where none are; returns from where, or null. */
async function moveBest(
  directory: RunDirectory,
  rows: readonly LearnerRow[],
  place: string | string[],
  roots: Iterable<string>,
): Promise<string | null> {
  const targets = [place].flat().map((name) => resolve(directory.path, name));
  const best = rows.filter((row) => isInRevision(row, roots)).sort((a, b) => b.npoints - a.npoints);
  if (await anyExists(targets)) return null;
  for (const row of best) {
    const sources = [fnameOf(row)].flat().map((name) => resolve(directory.path, insideOf(name, roots)));
    if (!(await anyExists(sources))) continue;
    for (const [i, source] of sources.entries()) {
      const target = targets[i];
      if (target === undefined) continue;
      await mkdir(dirname(target), { recursive: true });
      const frames = withDataframes(target);
      for (const [k, file] of withDataframes(source).entries()) {
        const to = frames[k];
        if (to !== undefined && (await exists(file)) && !(await exists(to))) await rename(file, to);
      }
    }
    return relative(directory.path, sources[0] ?? directory.path);
  }
  return null;
}

async function anyExists(files: readonly string[]): Promise<boolean> {
  for (const file of files) if (await exists(file)) return true;
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return false;
    throw error;
  }
}
