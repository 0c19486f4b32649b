import { join } from "node:path";

/** What the user setting `adaptive.clusters` says of a cluster; the scheduler checks it. */
export type Profile = Readonly<Record<string, unknown>>;

/** Where a Python for local jobs may be, best first. */
export interface PythonPlaces {
  /** The user's setting `adaptive.clusters`, `local.python`; a leading `~/` is the home folder. */
  setting: string | undefined;
  home: string;
  /** The study's folder and then the workspace folder it lies in. */
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
  if (setting !== undefined && setting !== "") return setting.startsWith("~/") ? join(home, setting.slice(2)) : setting;
  for (const folder of folders) {
    const python = join(folder, ".venv", "bin", "python");
    if (await isExecutable(python)) return python;
  }
  return "python3";
}
