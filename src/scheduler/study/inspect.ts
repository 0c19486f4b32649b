import * as v from "valibot";
import { callPython } from "../python";
import { AdaptiveError } from "../state/errors";
import type { NewLearner } from "../state/changes";
import { asLearnerId } from "../state/rows";
import type { Settings } from "../state/settings";

const inspectionSchema = v.union([
  v.object({
    learners: v.array(
      v.object({
        fname: v.union([v.string(), v.array(v.string())]),
        combo: v.record(v.string(), v.unknown()),
        type: v.string(),
      }),
    ),
  }),
  v.object({
    error: v.object({
      code: v.string(),
      message: v.string(),
      file: v.nullish(v.string()),
      line: v.nullish(v.number()),
      hint: v.nullish(v.string()),
    }),
  }),
]);

const deadlineMs = 600_000;

/**
 * Has Python read the learners file, as a job would.
 *
 * @throws AdaptiveError with the code of `adaptive_scheduler.inspect`, naming file and line
 */
export async function inspectLearners(
  learnersFile: string,
  path: readonly string[],
  cwd: string,
  { python, prelude }: Pick<Settings, "python" | "prelude">,
): Promise<NewLearner[]> {
  const answer = await callPython({ python, prelude, path, cwd, module: "inspect", args: [learnersFile], deadlineMs });
  const inspection = v.parse(inspectionSchema, answer);
  if ("error" in inspection) {
    const { code, message, file, line, hint } = inspection.error;
    const where = file ? `${file}${line ? `:${line}` : ""}: ` : "";
    throw new AdaptiveError(code, where + message, hint ?? "");
  }
  return inspection.learners.map(({ fname, combo, type }, i) => ({
    id: asLearnerId(i),
    position: i,
    fname: typeof fname === "string" ? fname : JSON.stringify(fname),
    combo: JSON.stringify(combo),
    type,
  }));
}
