import { execFileSync } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./unit/scheduler/runFixture";

/**
 * A small disk of its own, which is gone with the test.
 * @param size as `mount` takes it, e.g. `12m`
 */
export async function smallDisk(size: string): Promise<string> {
  const folder = await temporaryFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (cause) {
    throw new Error("A disk that is full needs a tmpfs: run this as root, or inside `unshare --user -rm`.", { cause });
  }
  onTestFinished(() => void execFileSync("umount", ["-l", folder]));
  return folder;
}

/** Takes all the room there is, but for some bytes. */
export async function fill(folder: string, leftBytes: number): Promise<void> {
  const file = await open(join(folder, "filler"), "w");
  let size = 0;
  try {
    for (let piece = 1 << 20; piece >= 1024;) {
      try {
        size += (await file.write(Buffer.alloc(piece))).bytesWritten;
      } catch {
        piece >>= 1;
      }
    }
    await file.truncate(Math.max(0, size - leftBytes));
  } finally {
    await file.close();
  }
}
