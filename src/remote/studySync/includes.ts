import { join } from "node:path";
import { parse } from "jsonc-parser";
import * as v from "valibot";
import { errnoOf } from "../../scheduler/state/errors";
import { readText } from "../../scheduler/state/files";
import { tooDeepAt } from "../../scheduler/state/nesting";

const schema = v.looseObject({ include: v.optional(v.array(v.string()), []) });

/**
 * What a study file takes along besides what is sent anyway. Whether all of it is right is said on the cluster, with
 * line and setting, when the run is made.
 */
export async function readIncludes(folder: string): Promise<readonly string[]> {
  try {
    const text = await readText(join(folder, "adaptive.json"));
    if (tooDeepAt(text) !== null) return [];
    const file = v.safeParse(schema, parse(text, [], { allowTrailingComma: true }));
    return file.success ? file.output.include : [];
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
