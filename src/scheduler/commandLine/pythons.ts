import { resolve } from "node:path";
import { type FoundPython, packageWords } from "../control/foundPythons";
import { findPythons } from "../pythons/findPythons";
import type { Layer } from "../state/settings";
import { exitCodes, type Program } from "./program";

export interface PythonsOptions {
  /** Whose environments come first. */
  folders: readonly string[];
  /** Others to look at, such as the one that is chosen in an editor. */
  known: readonly string[];
  /** What is set for this machine. */
  profile: Pick<Layer, "python" | "prelude">;
  json: boolean;
}

/** Lists the Pythons of this machine with what a job needs. */
export async function pythons(options: PythonsOptions, program: Program): Promise<number> {
  const { folders, known, profile, json } = options;
  const found = await findPythons({
    set: { python: profile.python ?? null, prelude: profile.prelude ?? [] },
    known,
    folders: folders.map((folder) => resolve(folder)),
    client: `${program.assets.folder}/python`,
    signal: new AbortController().signal,
  });
  if (json) program.printJson({ pythons: found });
  else found.map(lineOf).forEach(program.print);
  return exitCodes.success;
}

function lineOf(python: FoundPython): string {
  const after = python.prelude.length === 0 ? "" : `  (after ${python.prelude.join("; ")})`;
  return `Python ${python.version.padEnd(8)}  ${python.python}${after}  ${packageWords(python)}`;
}
