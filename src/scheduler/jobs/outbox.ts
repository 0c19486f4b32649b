import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../state/errors";

/** Takes in what jobs wrote down because they found no scheduler. Whatever else lies there is set aside. */
export async function emptyOutbox(folder: string, takeIn: (message: object) => Promise<void>): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  for (const name of names.sort(byRequest)) {
    const path = join(folder, name);
    const message = await readMessage(path);
    if (message) {
      await takeIn(message);
      await rm(path);
    } else await rename(path, `${path}.bad`);
  }
}

/** `<instance>-<n>.json`: what one process said, in its order. */
function byRequest(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

/** Null when it is no message. */
async function readMessage(path: string): Promise<object | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    return typeof value === "object" ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError || errnoOf(error) === "EISDIR") return null;
    throw error;
  }
}
