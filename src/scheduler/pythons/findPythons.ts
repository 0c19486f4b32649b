import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as v from "valibot";
import { bestFirst, type FoundPython, maxPythons } from "../control/foundPythons";
import { askInLogin, callPython } from "../python";
import { toAdaptiveError } from "../state/errors";
import { type Candidate, candidatesIn, type Files, type Places } from "./places";

/** Starting Python on a slow shared file system takes its time, and so does importing MPI. */
const eachDeadlineMs = 30_000;
const variablesDeadlineMs = 30_000;
const atATime = 4;
/** What has not answered by then is left out. */
const allDeadlineMs = 120_000;

export interface Wanted extends Pick<Places, "set" | "known" | "folders"> {
  /** Holds the package `adaptive_scheduler`. */
  client: string;
  signal: AbortSignal;
}

/**
 * The Pythons of this machine that run, each as a job would run it; best first.
 *
 * @throws AdaptiveError `cancelled`, or why no shell runs
 */
export async function findPythons(wanted: Wanted): Promise<FoundPython[]> {
  const { set, known, folders, signal } = wanted;
  const [variables, modules] = await Promise.all([loginVariables(wanted), pythonModules(wanted)]);
  const candidates = await candidatesIn({ home: homedir(), set, known, folders, variables, modules }, files);
  const ending = AbortSignal.any([signal, AbortSignal.timeout(allDeadlineMs)]);
  const waiting = candidates.slice(0, maxPythons).entries();
  const found: (Described | null)[] = [];
  await Promise.all(
    Array.from({ length: atATime }, async () => {
      for (const [i, candidate] of waiting) {
        found[i] = ending.aborted ? null : await describe(candidate, { ...wanted, signal: ending });
      }
    }),
  );
  signal.throwIfAborted();
  const all = found.filter((one) => one !== null);
  // One Python has many names; the first is where a person would look for it.
  const first = all.filter((one, i) => all.findIndex((other) => isSame(one, other)) === i);
  return bestFirst(first.map(({ prefix: _, ...python }) => python));
}

const describedSchema = v.object({
  executable: v.string(),
  prefix: v.string(),
  version: v.string(),
  packages: v.record(v.string(), v.string()),
  missing: v.array(v.string()),
  hasMpi: v.boolean(),
});
type Described = FoundPython & { prefix: string };

/** As one would find it; null when it does not run. */
async function describe(
  { source, python, prelude }: Candidate,
  { client, signal }: Pick<Wanted, "client" | "signal">,
): Promise<Described | null> {
  try {
    const { executable: _, ...described } = await describePython(python, prelude, client, signal);
    return { source, python, prelude: [...prelude], ...described };
  } catch {
    return null;
  }
}

/**
 * What a Python is and has, run as a job would.
 *
 * @throws AdaptiveError as `callPython`
 */
export async function describePython(
  python: string,
  prelude: readonly string[],
  client: string,
  signal: AbortSignal,
): Promise<v.InferOutput<typeof describedSchema>> {
  const call = { python, prelude, path: [client], cwd: "/", module: "describe", args: [], deadlineMs: eachDeadlineMs };
  return v.parse(describedSchema, await callPython({ ...call, signal }));
}

function isSame(one: Described, other: Described): boolean {
  return one.prefix === other.prefix && one.version === other.version;
}

const variableNames = ["PATH", "CONDA_EXE", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX", "VIRTUAL_ENV", "WORKON_HOME"];

async function loginVariables({ set, signal }: Wanted): Promise<Record<string, string>> {
  const lines = [`for name in ${variableNames.join(" ")}; do [ -z "\${!name-}" ] || say "$name=\${!name}"; done`];
  const call = { prelude: set.prelude, lines, args: [], deadlineMs: variablesDeadlineMs, signal };
  const { answers } = await askInLogin(call);
  return Object.fromEntries(
    answers.map((answer) => {
      const at = answer.indexOf("=");
      return [answer.slice(0, at), answer.slice(at + 1)];
    }),
  );
}

/** Listing modules may take long, and most machines have none. */
async function pythonModules({ set, signal }: Wanted): Promise<readonly string[]> {
  const lines = [
    "type module >/dev/null 2>&1 || exit 0",
    "names=$(module -t avail 2>&1 | sed 's/[(<].*//' | grep -iE '^([a-z]+/)?(c?python3?|(ana|mini)conda3?|miniforge3?|mambaforge)(/[^/]+)*$' | grep -viE '/2[.0-9]*$' | sort -V | tail -n 20)",
    'for name in $names; do say "$name"; done',
  ];
  try {
    const call = { prelude: set.prelude, lines, args: [], deadlineMs: variablesDeadlineMs, signal };
    return (await askInLogin(call)).answers;
  } catch (error) {
    if (toAdaptiveError(error).code === "cancelled") throw error;
    return [];
  }
}

const files: Files = {
  list: async (folder) => (await readdir(folder).catch(() => [])).sort(),
  isExecutable: (file) =>
    access(file, constants.X_OK)
      .then(() => stat(file))
      .then(
        (found) => found.isFile(),
        () => false,
      ),
  lines: async (file) => {
    const found = await stat(file).catch(() => null);
    if (found === null || !found.isFile() || found.size > maxFileBytes) return [];
    return (await readFile(file, "utf8").catch(() => "")).split("\n").map((line) => line.trim());
  },
};
const maxFileBytes = 1 << 20;
