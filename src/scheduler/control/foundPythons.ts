import * as v from "valibot";

/** Where a Python was found, best first. */
export const pythonSources = ["setting", "editor", "study", "PATH", "conda", "environment", "module"] as const;

const maxText = 4096;
const text = v.pipe(v.string(), v.maxLength(maxText));

/** What becomes a setting of a person's. */
export const pythonPath = v.pipe(text, v.regex(/^\P{Cc}+$/u));

const foundPythonSchema = v.object({
  source: v.picklist(pythonSources),
  /** As the settings have it: it is run after the lines of `prelude`. */
  python: pythonPath,
  prelude: v.array(text),
  version: text,
  /** Versions of what a job imports, by the names to install; also of `mpi4py`. */
  packages: v.record(text, text),
  /** What is required and not there. */
  missing: v.array(text),
  /** Whether `mpi4py` finds a library. */
  hasMpi: v.boolean(),
});
/** A Python of a machine, and what it has of what a job needs. */
export type FoundPython = v.InferOutput<typeof foundPythonSchema>;

export const maxPythons = 60;
/** The answer of `pythons --json`. */
export const foundPythonsSchema = v.object({ pythons: v.pipe(v.array(foundPythonSchema), v.maxLength(maxPythons)) });

/** Those that learners can run with first, else as they were found. */
export function bestFirst(pythons: readonly FoundPython[]): FoundPython[] {
  const rank = ({ missing, source }: FoundPython) => [missing.length > 0 ? 1 : 0, pythonSources.indexOf(source)];
  return [...pythons].sort((a, b) => {
    const [[lacksA = 0, placeA = 0], [lacksB = 0, placeB = 0]] = [rank(a), rank(b)];
    return lacksA - lacksB || placeA - placeB;
  });
}

/** `adaptive 1.5.2, pyzmq 27.3.0, mpi4py 4.1.2`, or what is missing. */
export function packageWords({
  packages,
  missing,
  hasMpi,
}: Pick<FoundPython, "packages" | "missing" | "hasMpi">): string {
  if (missing.length > 0) return `without ${missing.join(", ")}`;
  const versions = ["adaptive", "pyzmq", "mpi4py"].flatMap((name) =>
    packages[name] === undefined ? [] : [`${name} ${packages[name]}`],
  );
  return `${versions.join(", ")}${packages["mpi4py"] !== undefined && !hasMpi ? " without an MPI library" : ""}`;
}

/** Whether an error of this code is mended by another Python, or by what is installed into this one. */
export function needsPython(code: string): boolean {
  return [
    "module-missing",
    "python-missing",
    "python-packages",
    "python-old",
    "missing-packages",
    "no-mpi",
    "jobs-without-python",
    "no-dataframes",
  ].includes(code);
}
