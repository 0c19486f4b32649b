import { join, resolve } from "node:path";

/** What the user setting `adaptive.clusters` says of a cluster; the scheduler checks it. */
export type Profile = Readonly<Record<string, unknown>>;

/** The Python of a profile, and the lines before it. */
export function interpreterOf({ python, prelude }: Profile): { python: string; prelude: readonly string[] } {
  const lines = Array.isArray(prelude) ? prelude.filter((line): line is string => typeof line === "string") : [];
  return { python: typeof python === "string" ? python : "python3", prelude: lines };
}

/** Where a Python for local jobs may be, best first. */
export interface PythonPlaces {
  /** The settings `adaptive.python`, which holds for the folder, and `local.python` of `adaptive.clusters`; a leading `~/` is the home folder. */
  setting: string | undefined;
  home: string;
  /** The study's folder and then the workspace folder it lies in, from which a relative path leads. */
  folders: readonly string[];
}

/**
 * The Python that runs local jobs: the one set, else that of the study's own environment, else
 * `python3` on the PATH. A setting is taken at its word: when it is wrong, the error must name it
 * rather than another Python be used without saying so.
 */
export async function choosePython(
  { setting, home, folders }: PythonPlaces,
  isExecutable: (file: string) => Promise<boolean>,
): Promise<string> {
  if (setting !== undefined && setting !== "") {
    if (setting.startsWith("~/")) return join(home, setting.slice(2));
    // A name alone is looked up on the PATH.
    return setting.includes("/") ? resolve(folders.at(-1) ?? home, setting) : setting;
  }
  for (const folder of folders) {
    const python = join(folder, ".venv", "bin", "python");
    if (await isExecutable(python)) return python;
  }
  return "python3";
}
