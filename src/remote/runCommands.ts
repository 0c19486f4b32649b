import * as v from "valibot";
import { learnerStates } from "../scheduler/state/rows";
import { answerOf, programError, type ProgramCommand } from "./launch";
import type { Program } from "./program";

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const text = v.pipe(v.string(), v.maxLength(4096));
const heapSchema = v.object({ files: count, bytes: count });

const deletionSchema = v.object({
  name: text,
  state: heapSchema,
  data: heapSchema,
  /** Data files that stay in any case. */
  outside: v.array(text),
});
/** What deleting a run would move to its folder's trash. */
export type Deletion = v.InferOutput<typeof deletionSchema>;

const listedRunSchema = v.object({
  name: text,
  /** ISO 8601; empty when that is not known. */
  created: v.fallback(v.pipe(text, v.isoTimestamp()), ""),
  stateFolder: text,
  state: text,
  learners: v.optional(v.record(v.picklist(learnerStates), count)),
});
/** A run in the list of this user's runs. */
export type ListedRun = v.InferOutput<typeof listedRunSchema>;

/** What a copied run is to be. */
export type CopyWish = "fork" | "adopt";

const maxRuns = 20_000;

export function listCommand(program: Program): ProgramCommand<ListedRun[]> {
  const schema = v.object({ runs: v.pipe(v.array(listedRunSchema), v.maxLength(maxRuns)) });
  return command(program, ["list"], (stdout) => answerOf("list", schema, stdout).runs);
}

export function deletionCommand(program: Program, run: string): ProgramCommand<Deletion> {
  return command(program, ["delete", run, "--dry-run"], (stdout) => answerOf("delete", deletionSchema, stdout));
}

/** Its answer is where the run is then. */
export function deleteCommand(program: Program, run: string, withData: boolean): ProgramCommand<string> {
  const schema = v.object({ trash: text });
  const argv = ["delete", run, "--yes", ...(withData ? ["--data"] : [])];
  return command(program, argv, (stdout) => answerOf("delete", schema, stdout).trash);
}

/** Makes a copied run a run of its own, or has it go on in the original's stead, and serves it. */
export function settleCommand(program: Program, run: string, wish: CopyWish): ProgramCommand<void> {
  return command(program, ["serve", run, "--detach", `--${wish}`], () => undefined);
}

function command<T>(program: Program, argv: readonly string[], parse: (stdout: string) => T): ProgramCommand<T> {
  return {
    argv: [...program.argv, ...argv, "--json"],
    env: program.env,
    parse: (output) => {
      if (output.code !== 0) throw programError(output);
      return parse(output.stdout);
    },
  };
}
