import { join } from "node:path";
import type { FoundPython } from "../control/foundPythons";

/** A Python that may be there. */
export type Candidate = Pick<FoundPython, "source" | "python" | "prelude">;

/** What is looked at. */
export interface Places {
  home: string;
  /** As the settings have them. */
  set: { python: string | null; prelude: readonly string[] };
  /** Those that somebody knows of already, such as the editor's own. */
  known: readonly string[];
  /** Of the study and around it, whose environments come first. */
  folders: readonly string[];
  /** Variables of a login. */
  variables: Readonly<Record<string, string>>;
  /** As the module system lists them. */
  modules: readonly string[];
}

/** How files are looked at. */
export interface Files {
  /** Names in a folder; none when it cannot be read. */
  list(folder: string): Promise<readonly string[]>;
  isExecutable(file: string): Promise<boolean>;
  /** Lines of a file; none when it cannot be read. */
  lines(file: string): Promise<readonly string[]>;
}

/** Of a folder with very many. */
const maxPerFolder = 12;
const maxModules = 8;

/** Pythons in the places where people have them, best first. */
export async function candidatesIn(places: Places, files: Files): Promise<Candidate[]> {
  const { home, set, known, folders, variables, modules } = places;
  const here = (source: Candidate["source"], pythons: readonly string[]): Candidate[] =>
    pythons.map((python) => ({ source, python, prelude: [...set.prelude] }));
  const inFolders = async (parents: readonly (string | undefined)[]): Promise<string[]> => {
    const found = await Promise.all(
      parents.map(async (parent) =>
        parent === undefined ? [] : (await files.list(parent)).slice(0, maxPerFolder).map((name) => join(parent, name)),
      ),
    );
    return found.flat();
  };
  const existing = async (pythons: readonly string[]): Promise<string[]> => {
    const are = await Promise.all(pythons.map((python) => files.isExecutable(python)));
    return pythons.filter((_, i) => are[i]);
  };
  const ofEnvironments = (environments: readonly string[]) =>
    existing(environments.map((folder) => join(folder, "bin", "python")));

  const onPath = await Promise.all(
    [...new Set((variables["PATH"] ?? "").split(":"))].map(async (folder) =>
      folder.startsWith("/") ? existing(newestFirst(await files.list(folder)).map((name) => join(folder, name))) : [],
    ),
  );
  const bases = [
    variables["CONDA_EXE"]?.replace(/\/(bin|condabin)\/[^/]+$/, ""),
    variables["MAMBA_ROOT_PREFIX"],
    variables["CONDA_PREFIX"],
    ...["miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba"].map((name) => join(home, name)),
    "/opt/conda",
  ].filter((base) => base !== undefined);
  const conda = [
    ...(await files.lines(join(home, ".conda/environments.txt")))
      .slice(-maxPerFolder)
      .filter((line) => line.startsWith("/")),
    ...bases,
    ...(await inFolders(bases.map((base) => join(base, "envs")))),
  ];
  const environments = [
    ...(variables["VIRTUAL_ENV"] === undefined ? [] : [variables["VIRTUAL_ENV"]]),
    join(home, ".venv"),
    join(home, "adaptive-env"),
    ...(await inFolders([
      variables["WORKON_HOME"],
      ...[".virtualenvs", "virtualenvs", "envs", "venvs", ".pyenv/versions", ".local/share/uv/python"].map((name) =>
        join(home, name),
      ),
    ])),
  ];
  const all = [
    ...here("setting", set.python === null ? [] : [set.python]),
    ...here("editor", known),
    ...here(
      "study",
      await ofEnvironments(folders.flatMap((folder) => [".venv", "venv"].map((name) => join(folder, name)))),
    ),
    ...here("PATH", onPath.flat()),
    ...here("conda", await ofEnvironments(conda)),
    ...here("environment", await ofEnvironments(environments)),
    ...modules
      .filter((name) => moduleName.test(name))
      .slice(-maxModules)
      .reverse()
      .map((name): Candidate => ({
        source: "module",
        python: "python3",
        prelude: [...set.prelude, `module load ${name}`],
      })),
  ];
  return distinct(all);
}

/** One that needs no quotes, in whatever shell. */
const moduleName = /^\w[\w.+/-]*$/;

/** Of the programs in a folder; the plain name is what the person gets who types it. */
function newestFirst(names: readonly string[]): string[] {
  const minor = (name: string) => Number(name.slice("python3.".length));
  const versioned = names.filter((name) => /^python3\.\d+$/.test(name)).sort((a, b) => minor(b) - minor(a));
  return [...names.filter((name) => name === "python3"), ...versioned];
}

function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byCall = new Map<string, Candidate>();
  for (const one of candidates) {
    const key = JSON.stringify([one.python, one.prelude]);
    if (!byCall.has(key)) byCall.set(key, one);
  }
  return [...byCall.values()];
}
