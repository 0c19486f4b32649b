import { dirname } from "node:path";
import { realDisk, type Disk } from "./disk";

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
  const aside = `${path}.${process.pid}.tmp`;
  try {
    const file = await disk.open(aside, "w", mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(aside, path);
  } catch (error) {
    await disk.rm(aside, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path), disk);
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
