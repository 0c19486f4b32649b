import { join } from "node:path";
import type { Disk } from "../state/disk";
import { errnoOf } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";

/** Takes in what jobs wrote down because they found no scheduler. Whatever else lies there is set aside. */
export async function emptyOutbox(
  { outbox, disk }: RunDirectory,
  takeIn: (message: object) => Promise<void>,
): Promise<void> {
  const names = (await disk.readdir(outbox)).filter((name) => name.endsWith(".json"));
  for (const name of names.sort(byRequest)) {
    const path = join(outbox, name);
    const message = await readMessage(path, disk);
    if (message === "gone") continue;
    if (message) {
      await takeIn(message);
      await disk.rm(path, { force: true });
    } else await disk.rename(path, `${path}.bad`);
  }
}

/** `<instance>-<n>.json`: what one process said, in its order. */
function byRequest(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Null when it is no message; gone when another scheduler, which has taken the run over, was quicker. */
async function readMessage(path: string, disk: Disk): Promise<object | "gone" | null> {
  try {
    const value: unknown = JSON.parse(String(await disk.readFile(path)));
    return typeof value === "object" ? value : null;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "gone";
    if (error instanceof SyntaxError || errnoOf(error) === "EISDIR") return null;
    throw error;
  }
}
