import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../scheduler/state/errors";

/**
 * Whether nobody has told of this yet, neither this window before it was loaded anew nor another one of this computer:
 * of several that ask at once only one makes the file.
 */
export async function isFirstToTell(folder: string, cause: string): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const name = createHash("sha256").update(cause).digest("hex").slice(0, 32);
  try {
    await writeFile(join(folder, name), "", { flag: "wx" });
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}
