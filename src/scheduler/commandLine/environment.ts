import { resolve } from "node:path";
import { makeEnvironment } from "../pythons/makeEnvironment";
import type { Layer } from "../state/settings";
import { exitCodes, type Program } from "./program";

export interface EnvironmentOptions {
  folder: string;
  /** What is set for this machine. */
  profile: Pick<Layer, "python" | "prelude">;
  mpi: boolean;
  into: boolean;
  wheels: string | null;
  json: boolean;
}

/** Makes a Python environment for jobs. */
export async function environment(options: EnvironmentOptions, program: Program): Promise<number> {
  const { folder, profile, mpi, into, wheels, json } = options;
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  const say = (step: string): void => (json ? program.printJson({ step }) : program.print(step));
  let last = "";
  const python = await makeEnvironment({
    folder: resolve(folder),
    python: profile.python ?? "python3",
    prelude: profile.prelude ?? [],
    withMpi: mpi,
    mayAdd: into,
    wheels: wheels === null ? null : resolve(wheels),
    client: `${program.assets.folder}/python`,
    signal: ending.signal,
    onStep: (step) => {
      if (step !== last) say(step);
      last = step;
    },
    onVersion: (version) => {
      if (json) program.printJson({ version });
    },
    onOutput: (text) => void process.stderr.write(text),
  });
  if (json) program.printJson({ python });
  else program.print(`Made ${python}: name it with --python.`);
  return exitCodes.success;
}
