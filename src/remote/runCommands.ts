import * as v from "valibot";
import { learnerStates } from "../scheduler/state/rows";
import { answerOf, programError, type ProgramCommand } from "./launch";
import type { Program } from "./program";

const heapSchema = v.object({ files: v.number(), bytes: v.number() });

const deletionSchema = v.object({
  name: v.string(),
  state: heapSchema,
  data: heapSchema,
  /** Data files that stay in any case. */
  outside: v.array(v.string()),
});
/** What deleting a run would move to its folder's trash. */
export type Deletion = v.InferOutput<typeof deletionSchema>;

const listedRunSchema = v.object({
  name: v.string(),
  /** ISO 8601. */
  created: v.string(),
  stateFolder: v.string(),
  state: v.string(),
  learners: v.optional(v.record(v.picklist(learnerStates), v.number())),
});
/** A run in the list of this user's runs. */
export type ListedRun = v.InferOutput<typeof listedRunSchema>;

/** What a copied run is to be. */
export type CopyWish = "fork" | "adopt";

export function listCommand(program: Program): ProgramCommand<ListedRun[]> {
  const schema = v.object({ runs: v.array(listedRunSchema) });
  return command(program, ["list"], (stdout) => answerOf("list", schema, stdout).runs);
}

export function deletionCommand(program: Program, run: string): ProgramCommand<Deletion> {
  return command(program, ["delete", run, "--dry-run"], (stdout) => answerOf("delete", deletionSchema, stdout));
}

/** Its answer is where the run is then. */
export function deleteCommand(program: Program, run: string, withData: boolean): ProgramCommand<string> {
  const schema = v.object({ trash: v.string() });
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
