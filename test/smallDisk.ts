import { execFileSync } from "node:child_process";
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
