import { dirname } from "node:path";
import { realDisk, type Disk } from "./disk";
import { errnoOf } from "./errors";

/**
 * Replaces a file so that readers, and a crash at any moment, find the old content or the new one
 * whole: written aside, synced, renamed, and the directory synced.
 */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  mode = 0o600,
  disk: Disk = realDisk,
): Promise<void> {
  const aside = `${path}.${process.pid}.${++written}.tmp`;
  try {
    const file = await disk.open(aside, "w", mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await replaceBy(aside, path, disk);
  } catch (error) {
    await disk.rm(aside, { force: true });
    // What an open file could not be written for does not say which one it is.
    if (errnoOf(error) !== undefined) Object.assign(error as Error, { path });
    throw error;
  }
  await syncDirectory(dirname(path), disk);
}

/** Renames a file over another; a folder that has the name is set aside. */
export async function replaceBy(file: string, path: string, disk: Disk = realDisk): Promise<void> {
  try {
    await disk.rename(file, path);
  } catch (error) {
    if (!["EISDIR", "ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) throw error;
    await setAside(path, disk);
    await disk.rename(file, path);
  }
}

/**
 * Reads a file that should be there and small enough to be held.
 *
 * @throws as `readFile`, and EISDIR for what is no file: a pipe that somebody made would be read for ever
 */
export async function readWhole(path: string, disk: Disk = realDisk): Promise<Buffer> {
  if (!(await disk.stat(path)).isFile()) throw Object.assign(new Error(`${path} is no file`), { code: "EISDIR" });
  return disk.readFile(path);
}

/**
 * Reads a text that a person wrote, without the byte order mark that editors on Windows put before it.
 *
 * @throws as `readWhole`
 */
export async function readText(path: string): Promise<string> {
  return textOf(await readWhole(path));
}

/** A text that a person wrote, as an editor would show it. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Whether an error says that what is wanted is not there, or that something else is in its place. */
export function isNotThere(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "EACCES", "EPERM"].includes(errnoOf(error) ?? "");
}

/** So that no two share a name, also of the same file at the same time. */
let written = 0;

/**
 * Makes a folder that can be read, also where something else has its name, which is set aside.
 *
 * @returns whether there was anything to do
 */
export async function makeFolder(path: string, disk: Disk = realDisk): Promise<boolean> {
  try {
    await disk.readdir(path);
    return false;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EACCES") await disk.chmod(path, 0o700);
    else if (code === "ENOTDIR" || code === "ELOOP") await setAside(path, disk);
    else if (code !== "ENOENT") throw error;
  }
  // What lies around it is not made anew: whoever deleted all of it meant that.
  await disk.stat(dirname(path));
  await disk.mkdir(path, { recursive: true, mode: 0o700 }).catch(async (error: unknown) => {
    // A link to nothing.
    if (errnoOf(error) !== "EEXIST" && errnoOf(error) !== "ENOENT") throw error;
    await setAside(path, disk);
    await disk.mkdir(path, { recursive: true, mode: 0o700 });
  });
  return true;
}

/** Gives a name free for what belongs there, and keeps what has it. */
export function setAside(path: string, disk: Disk = realDisk): Promise<void> {
  return disk.rename(path, `${path}.aside-${process.pid}-${++written}`);
}

/** Makes the names in a directory durable. */
export async function syncDirectory(path: string, disk: Disk = realDisk): Promise<void> {
  const directory = await disk.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
