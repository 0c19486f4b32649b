import { existsSync } from "node:fs";
import { join } from "node:path";

/** What jobs import, by name: nothing of a study is meant by these. */
const needed = new Set(["adaptive", "adaptive_scheduler", "cloudpickle", "mpi4py", "numpy", "pandas", "scipy", "zmq"]);

/** How Python says that a module is not the one that was meant; the name is the first word in quotes. */
const signs = [
  /^ImportError: cannot import name '[^']*' from (?:partially initialized module )?'([\w.]+)'/gm,
  /^AttributeError: (?:partially initialized )?module '([\w.]+)' has no attribute/gm,
  /^ModuleNotFoundError: No module named '([\w.]+)'; '[\w.]+' is not a package/gm,
  /ModuleNotFoundError: __path__ attribute not found on '([\w.]+)' while/g,
];

/**
 * The file of a study that hides a module of Python's, or of a package's, from what imports that.
 *
 * @param printed by Python, which ended with a traceback
 * @param folder the study's
 * @returns its path, or null when that is not what went wrong
 */
export function hiddenModule(printed: string, folder: string): { file: string; module: string } | null {
  const found = signs.flatMap((sign) => [...printed.matchAll(sign)]).sort((a, b) => a.index - b.index);
  const [module] = found.at(-1)?.[1]?.split(".") ?? [];
  if (module === undefined) return null;
  const file = [join(folder, `${module}.py`), join(folder, module, "__init__.py")].find((path) => existsSync(path));
  if (file === undefined) return null;
  // What the study's own code misses in its own files is another mistake.
  const [, raisedIn = ""] = [...printed.matchAll(/^ *File "([^"]*)", line/gm)].at(-1) ?? [];
  const isOwn = raisedIn.startsWith(`${folder}/`) && !/\/\.adaptive[^/]*\/client\//.test(raisedIn);
  return isOwn && !needed.has(module) ? null : { file, module };
}

/** What is wrong then, as a sentence without its full stop; and what to do. */
export const hiddenWords = ({ file, module }: { file: string; module: string }): { cause: string; hint: string } => ({
  cause: `${file} hides the module ${module} that Python or a package has`,
  hint: "Rename that file, and what imports it",
});
