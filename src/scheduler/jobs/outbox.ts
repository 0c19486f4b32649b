import { join } from "node:path";
import type { Disk } from "../state/disk";
import { errnoOf } from "../state/errors";
import { isNotThere, readWhole } from "../state/files";
import type { RunDirectory } from "../state/runDirectory";

/** As large as the largest frame that a worker may send. */
const maxBytes = 1 << 20;

/**
 * Takes in what jobs wrote down because they found no scheduler. Whatever else lies there is set aside.
 *
 * @param takeIn false when the message is not understood
 * @param onSetAside told of what was, and why
 */
export async function emptyOutbox(
  { outbox, disk }: RunDirectory,
  takeIn: (message: object) => Promise<boolean>,
  onSetAside: (path: string) => void,
): Promise<void> {
  const names = await disk.readdir(outbox).catch((error: unknown) => {
    // Deleted by somebody, and soon made anew: also by the next job that has something to say.
    if (isNotThere(error)) return [];
    throw error;
  });
  for (const name of names.filter((name) => name.endsWith(".json")).sort(byRequest)) {
    const path = join(outbox, name);
    try {
      const message = await readMessage(path, disk);
      if (message && (await takeIn(message))) await disk.rm(path, { force: true });
      else {
        await disk.rename(path, `${path}.bad`);
        onSetAside(`${path}.bad`);
      }
    } catch (error) {
      // Another scheduler, which has taken the run over, was quicker.
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }
}

/** `<instance>-<n>.json`: what one process said, in its order. */
function byRequest(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Null when it is no message. */
async function readMessage(path: string, disk: Disk): Promise<object | null> {
  try {
    if ((await disk.stat(path)).size > maxBytes) return null;
    const value: unknown = JSON.parse(String(await readWhole(path, disk)));
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError || isNotThere(error)) return null;
    throw error;
  }
}
