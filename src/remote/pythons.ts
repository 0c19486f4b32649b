import * as v from "valibot";
import type { EnvironmentWish, Making } from "../scheduler/control/environmentWish";
import { type FoundPython, foundPythonsSchema, pythonPath } from "../scheduler/control/foundPythons";
import type { Clock } from "../scheduler/state/clock";
import { answerOf, programError, type ProgramCommand, runCommand } from "./launch";
import type { Program } from "./program";
import type { Transport } from "./transport";

/** A machine that runs a study, here or on a cluster. */
export interface Machine {
  transport: Transport;
  program: Program;
  clock: Clock;
  /** Where the study lies there; it need not be there yet. */
  folder: string;
  /** What is set for it. */
  python: string;
  prelude: readonly string[];
  /** Of a head node: what packages must be made for, and where files can be put. */
  remote: RemotePlace | null;
}

export interface RemotePlace {
  host: string;
  /** As `uname -m` says it. */
  architecture: string;
  /** Version of glibc; null for another C library. */
  glibc: string | null;
  /** Of what is ours there. */
  place: string;
}

const listDeadlineMs = 300_000;
/** Sending nothing, and unpacking a hundred megabytes on a slow shared file system. */
const environmentDeadlineMs = 3_700_000;

/**
 * The Pythons of a machine, best first.
 * @param folders whose environments come first, besides the study's own
 * @param known others to look at
 */
export function pythonsOn(
  { transport, program, clock, folder, python, prelude }: Machine,
  { folders, known }: { folders: readonly string[]; known: readonly string[] },
  signal: AbortSignal,
): Promise<FoundPython[]> {
  const looks = ["pythons", ...new Set([folder, ...folders]), ...known.flatMap((one) => ["--known", one])];
  const command: ProgramCommand<FoundPython[]> = {
    argv: [...program.argv, ...looks, "--profile", JSON.stringify({ python, prelude }), "--json"],
    env: program.env,
    parse: (output) => {
      if (output.code !== 0) throw programError(output);
      return answerOf("pythons", foundPythonsSchema, output.stdout).pythons;
    },
  };
  return runCommand(transport, command, { clock, deadlineMs: listDeadlineMs, signal });
}

const madeSchema = v.object({ python: pythonPath });
const newsSchema = v.partial(
  v.object({ step: v.pipe(v.string(), v.maxLength(300)), version: v.pipe(v.string(), v.regex(/^3\.\d{1,3}$/)) }),
);

/**
 * Makes an environment on a machine.
 * @returns its Python there
 * @throws AdaptiveError `environment-exists`, `no-index` where no packages can be fetched there, and others
 */
export function makeEnvironment(
  { transport, program, clock }: Machine,
  { folder, python, prelude, withMpi, mayAdd, wheels }: EnvironmentWish,
  { onStep, onVersion, signal }: Making,
): Promise<string> {
  const command: ProgramCommand<string> = {
    argv: [
      ...[...program.argv, "environment", folder, "--profile", JSON.stringify({ python, prelude }), "--json"],
      ...(withMpi ? ["--mpi"] : []),
      ...(mayAdd ? ["--into"] : []),
      ...(wheels === null ? [] : ["--wheels", wheels]),
    ],
    env: program.env,
    parse: (output) => {
      if (output.code !== 0) throw programError(output);
      return answerOf("environment", madeSchema, output.stdout).python;
    },
  };
  const onLine = (line: string): void => {
    const said = v.safeParse(v.pipe(v.string(), v.parseJson(), newsSchema), line);
    if (!said.success) return;
    if (said.output.step !== undefined) onStep(said.output.step);
    if (said.output.version !== undefined) onVersion(said.output.version);
  };
  return runCommand(transport, command, { clock, deadlineMs: environmentDeadlineMs, signal, onLine });
}
