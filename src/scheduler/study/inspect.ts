import { stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative } from "node:path";
import * as v from "valibot";
import type { Said } from "../answer";
import { callPython, endOf, lastLines } from "../python";
import { mayGoWithoutMpi, usesMpi } from "../jobs/slurmScript";
import { AdaptiveError } from "../state/errors";
import type { NewLearner } from "../state/changes";
import { remarkOnMpi, type WithoutMpi } from "../state/runRemarks";
import type { Settings } from "../state/settings";
import { checkNoDataframeIsData } from "./overlap";

const inspectionSchema = v.union([
  v.object({
    learners: v.array(
      v.object({
        fname: v.union([v.string(), v.array(v.string())]),
        combo: v.record(v.string(), v.unknown()),
        type: v.string(),
        bounds: v.optional(v.nullable(v.array(v.tuple([v.number(), v.number()]))), null),
      }),
    ),
    versions: v.record(v.string(), v.string()),
    warnings: v.optional(v.array(v.string()), []),
    noMpi: v.optional(v.nullable(v.object({ why: v.string(), hint: v.string() })), null),
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

const verdictSchema = v.object({
  error: v.nullable(v.object({ code: v.string(), message: v.string(), hint: v.string() })),
});

const deadlineMs = 600_000;

/** What a learners file defines. */
export interface Inspection {
  /** In its order. */
  learners: Omit<NewLearner, "id" | "resourceClass">[];
  /** Of Python and the packages it was read with. */
  versions: Record<string, string>;
  /** Sentences for a person, e.g. that another form of the file would be faster. */
  warnings: string[];
  /** What there is to say of its Python for as long as it is the run's. */
  remarkOnMpi: string | null;
}

/**
 * Has Python read the learners file, as a job would.
 *
 * @param learnersFile in a copy of the study's folder
 * @param cwd the study's folder, whose files errors name
 * @throws AdaptiveError with the code of `adaptive_scheduler.inspect`, naming file and line
 */
export async function inspectLearners(
  learnersFile: string,
  path: readonly string[],
  cwd: string,
  settings: Pick<Settings, "python" | "prelude" | "dataframe" | "executor" | "launcher" | "script">,
): Promise<Inspection> {
  const { python, prelude, dataframe } = settings;
  await checkDataframe(path, cwd, settings);
  const args = [learnersFile, ...(dataframe === null ? [] : [dataframe])];
  const explainSilence = (said: Said) => endedWhileRead(join(cwd, basename(learnersFile)), said);
  const answer = await callPython({ python, prelude, path, cwd, module: "inspect", args, deadlineMs, explainSilence });
  const inspection = v.parse(inspectionSchema, answer);
  if ("error" in inspection) {
    const { code, message, file, line, hint } = inspection.error;
    const where = file ? `${file}${line ? `:${line}` : ""}: ` : "";
    const words = (where + message).replaceAll(`${dirname(learnersFile)}/`, `${cwd}/`);
    const isCommand = code === "missing-packages" && hint;
    throw new AdaptiveError(code, words, hint ?? "", isCommand ? { command: hint } : {});
  }
  const learners = inspection.learners.map(({ fname, combo, type, bounds }, position) => ({
    position,
    fname: typeof fname === "string" ? fname : JSON.stringify(fname),
    combo: JSON.stringify(combo),
    type,
    bounds: bounds && JSON.stringify(bounds),
  }));
  checkNoDataframeIsData(learners, settings.dataframe);
  const { versions, warnings, noMpi } = inspection;
  return { learners, versions, warnings, remarkOnMpi: noMpi && judgeNoMpi(noMpi, settings) };
}

/** What `adaptive_scheduler.inspect` prints before it runs the file. */
const reads = "adaptive-scheduler: the learners file is read";

/** Null when Python ended before it came to the file. */
function endedWhileRead(learnersFile: string, said: Said): AdaptiveError | null {
  const [before, printed] = said.noise.split(`${reads}\n`);
  if (before === undefined || printed === undefined) return null;
  const words = lastLines(printed);
  return new AdaptiveError(
    "learners-file-ended",
    `The learners file ${learnersFile} ended Python (${endOf(said)}) while it was read${words && `: ${words}`}.`,
    "Run the file with Python to see where; `python -X faulthandler` shows the line of a crash.",
  );
}

/**
 * What there is to say of a Python without MPI.
 *
 * @throws AdaptiveError `no-mpi` where nothing but MPI will do
 */
function judgeNoMpi(
  noMpi: WithoutMpi,
  { executor, launcher, script }: Pick<Settings, "executor" | "launcher" | "script">,
): string | null {
  if (!usesMpi(executor, launcher)) return null;
  const { why, hint } = noMpi;
  if (!mayGoWithoutMpi({ executor, launcher, script })) {
    throw new AdaptiveError("no-mpi", `${why}, and MPI is what the settings ask for.`, hint, { command: hint });
  }
  return remarkOnMpi(noMpi);
}

/**
 * Makes sure that the jobs' Python can write the data frames that are asked for.
 *
 * @throws AdaptiveError `no-dataframes` with what is missing and how to get it
 */
export async function checkDataframe(
  path: readonly string[],
  cwd: string,
  { python, prelude, dataframe }: Pick<Settings, "python" | "prelude" | "dataframe">,
): Promise<void> {
  if (dataframe === null) return;
  const call = { python, prelude, path, cwd, module: "dataframes", args: [dataframe], deadlineMs };
  const { error } = v.parse(verdictSchema, await callPython(call));
  if (error) throw new AdaptiveError(error.code, error.message, error.hint);
}

/**
 * Makes sure that the jobs' Python is there, and has what jobs need.
 *
 * @throws AdaptiveError `python-missing`, `python-failed`, or `missing-packages` with the command that installs them
 */
export async function checkPython(
  path: readonly string[],
  cwd: string,
  { python, prelude }: Pick<Settings, "python" | "prelude">,
): Promise<void> {
  const call = { python, prelude, path, cwd, module: "packages", args: [], deadlineMs };
  const { error } = v.parse(verdictSchema, await callPython(call));
  if (!error) return;
  const isCommand = error.code === "missing-packages";
  throw new AdaptiveError(error.code, error.message, error.hint, isCommand ? { command: error.hint } : {});
}

/**
 * Makes sure that the study has the script that is to run its learners, where one is named.
 *
 * @param folder the study's
 * @throws AdaptiveError `no-script`
 */
export async function checkScript(folder: string, { script }: Pick<Settings, "script">): Promise<void> {
  if (script === null) return;
  const isInside = !relative(folder, join(folder, script)).startsWith("..");
  const found = isInside && !isAbsolute(script) && (await stat(join(folder, script)).catch(() => null));
  if (found && found.isFile()) return;
  throw new AdaptiveError(
    "no-script",
    `The setting script is ${JSON.stringify(script)}, but ${folder} has no such file.`,
    "Correct the name, or leave the setting out to have the learners run for you.",
  );
}
