import type { Dirent } from "node:fs";
import { opendir, readdir, realpath, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { errnoOf } from "./errors";

/** What is behind a link with more entries, at any depth, is no code of a study: a disk for data, or a home. */
const maxBehindLink = 2000;
const maxDepthBehindLink = 8;

export interface WalkedFile {
  /** Relative to the folder that is walked. */
  path: string;
  sizeBytes: number;
}

export interface Walked {
  files: WalkedFile[];
  /** What is left out because its name is not UTF-8, which no text of ours can hold; with � for what is not. */
  unnamable: string[];
}

export interface WalkRules {
  /** Whether a folder belongs to the study, by its name and how deep it lies. */
  enters(this: void, name: string, depth: number): boolean;
  /** Whether a file does, by its path: of 100 000 data files none is looked at. */
  takes(this: void, path: string, isBehindLink: boolean): boolean;
  /** Told how many files there are so far; may throw. */
  onFound?(this: void, count: number): void;
}

/** U+FFFD stands for bytes that are not UTF-8; a name that has it in earnest went through a wrong conversion before. */
export const isNamable = (path: string): boolean => !path.includes("\u{FFFD}");

const maxNamed = 3;

/**
 * What a person should know of names that are left out; one remark, however many there are.
 * @param from what they are left out of, in words
 */
export function remarksOnNames(root: string, unnamable: readonly string[], from: string): string[] {
  const [first, ...others] = unnamable.map((path) => join(root, path));
  if (first === undefined) return [];
  if (others.length === 0) {
    return [`${first} is left out of ${from}: its name is not UTF-8. Rename it if jobs need it.`];
  }
  const more = unnamable.length > maxNamed ? `, and ${unnamable.length - maxNamed} more` : "";
  const named = [first, ...others].slice(0, maxNamed).join(", ");
  return [
    `${unnamable.length} names are not UTF-8 and left out of ${from}: ${named}${more}. Rename them if jobs need them.`,
  ];
}

/**
 * The files in a folder of a study, sorted. Links are followed, but not those that lead around the folder that
 * they are in, nowhere, into a run's state, or to a folder of very many files.
 */
export async function walkFolder(root: string, { enters, takes, onFound }: WalkRules): Promise<Walked> {
  const unnamable: string[] = [];
  let count = 0;

  const visit = async (inside: string, around: readonly string[], budget: Budget | null): Promise<WalkedFile[]> => {
    const entries = await entriesOf(join(root, inside), budget);
    // A Python environment.
    if (inside !== "" && entries.some(({ name }) => name === "pyvenv.cfg")) return [];
    const depth = inside === "" ? 0 : inside.split(sep).length;
    const files: WalkedFile[] = [];
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(inside, entry.name);
      const isTaken = !entry.isDirectory() && takes(path, budget !== null);
      const isEntered = !entry.isFile() && enters(entry.name, depth);
      if (!isTaken && !isEntered) continue;
      if (!isNamable(entry.name)) {
        unnamable.push(path);
      } else if (entry.isDirectory()) {
        files.push(...(await visit(path, [...around, join(around.at(-1) ?? root, entry.name)], budget)));
      } else {
        const found = await statOrNull(join(root, path));
        if (found?.isFile() && isTaken) {
          onFound?.(++count);
          files.push({ path, sizeBytes: found.size });
        } else if (found?.isDirectory() && isEntered && depth < maxDepthBehindLink) {
          files.push(...(await behindLink(path, around, budget)));
        }
      }
    }
    return files;
  };

  const behindLink = async (path: string, around: readonly string[], budget: Budget | null): Promise<WalkedFile[]> => {
    const before = { count, unnamable: unnamable.length };
    try {
      const real = await realpath(join(root, path));
      if (around.some((folder) => isIn(folder, real)) || !isCode(real, around[0] ?? root, enters)) return [];
      return await visit(path, [...around, real], budget ?? { left: maxBehindLink });
    } catch (error) {
      // What is behind a link and a further one counts with what is behind the first.
      const isTooMuch = error instanceof TooManyBehindLink && budget === null;
      if (!isTooMuch && !isOutOfReach(error)) throw error;
      count = before.count;
      unnamable.length = before.unnamable;
      return [];
    }
  };

  const files = await visit("", [await realpath(root)], null);
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), unnamable };
}

/** How many entries may still be met behind a link. */
interface Budget {
  left: number;
}

class TooManyBehindLink extends Error {}

async function entriesOf(folder: string, budget: Budget | null): Promise<Dirent[]> {
  if (budget === null) return readdir(folder, { withFileTypes: true });
  const entries: Dirent[] = [];
  // Not all of a million at once.
  for await (const entry of await opendir(folder)) {
    if (--budget.left < 0) throw new TooManyBehindLink();
    entries.push(entry);
  }
  return entries;
}

/** Whether what a link leads to may be code of a study: no copy of it in a run, and no installed package. */
function isCode(real: string, root: string, enters: WalkRules["enters"]): boolean {
  const names = real.split(sep);
  if (names.some((name) => name.startsWith(".adaptive") || name === "site-packages")) return false;
  return (
    !isIn(real, root) ||
    relative(root, real)
      .split(sep)
      .every((name, depth) => enters(name, depth))
  );
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isOutOfReach(error)) return null;
    throw error;
  }
}

/** Of a link that leads nowhere, in a circle, or where we may not look. */
function isOutOfReach(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(errnoOf(error) ?? "");
}
