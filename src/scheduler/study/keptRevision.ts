import { copyFile, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isNotThere, makeFolder, readWhole, replaceBy } from "../state/files";
import { filesOfWhole, hashOf } from "./code";

/** Where the files of a revision come from; they may be others there by now. */
export interface Origin {
  folder: string;
  files: readonly string[];
}

/**
 * A revision of code that jobs import. Somebody may delete or change its files: once it was seen whole they are
 * looked at by inode, size and time, and put back one by one, for others may have put files there, and jobs read them.
 */
export class KeptRevision {
  /** What each file was when all were whole. */
  private readonly left = new Map<string, string>();

  /** @param main the file that it is nothing without, relative to the folder */
  constructor(
    readonly folder: string,
    private readonly main: string,
  ) {}

  /**
   * @param findOrigin asked only when something is not as it was left
   * @returns `gone` when it has lost a file, and the origin is another by now
   */
  async mend(findOrigin: () => Promise<Origin>): Promise<"whole" | "mended" | "gone"> {
    if (this.left.size > 0 && (await this.isAsLeft())) return "whole";
    const revision = basename(this.folder);
    const origin = await findOrigin();
    if ((await hashOf(origin.files, origin.folder)) === revision) {
      let isMended = false;
      for (const file of origin.files) isMended = (await putBack(origin.folder, this.folder, file)) || isMended;
      await this.note(origin.files);
      return isMended ? "mended" : "whole";
    }
    const files = await filesOfWhole(this.folder, revision).catch(nothingIfNotThere);
    if (files) await this.note(files);
    // Of one that was never seen whole nobody knows which files it had.
    const isGone = !files && (this.left.size > 0 || !(await factsOf(join(this.folder, this.main))).startsWith("file"));
    return isGone ? "gone" : "whole";
  }

  private async note(files: readonly string[]): Promise<void> {
    this.left.clear();
    for (const file of files) this.left.set(file, await factsOf(join(this.folder, file)));
  }

  private async isAsLeft(): Promise<boolean> {
    const found = await Promise.all([...this.left.keys()].map((file) => factsOf(join(this.folder, file))));
    return [...this.left.values()].every((facts, i) => facts === found[i]);
  }
}

async function factsOf(path: string): Promise<string> {
  const found = await stat(path).catch(nothingIfNotThere);
  return found ? `${found.isFile() ? "file" : "other"} ${found.ino} ${found.size} ${found.mtimeMs}` : "none";
}

/** @returns whether a file was not there as it should be */
async function putBack(from: string, to: string, file: string): Promise<boolean> {
  const wanted = await readFile(join(from, file));
  const found = await readWhole(join(to, file)).catch(nothingIfNotThere);
  if (found?.equals(wanted)) return false;
  const aside = join(to, `${file}.${process.pid}.tmp`);
  await makeFolders(to, dirname(file));
  await copyFile(join(from, file), aside);
  await replaceBy(aside, join(to, file));
  return true;
}

/** Each on its own, because something else may have the name of any. */
async function makeFolders(top: string, path: string): Promise<void> {
  if (path !== ".") await makeFolders(top, dirname(path));
  await makeFolder(join(top, path));
}

function nothingIfNotThere(error: unknown): null {
  if (isNotThere(error)) return null;
  throw error;
}
