import { shellQuote } from "../../scheduler/jobs/quote";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { Layer } from "../../scheduler/state/settings";
import type { Cluster } from "./connectCluster";
import type { Probe } from "./probe";

/** By the name to import, the name to install. */
const packageNames: Readonly<Record<string, string>> = { zmq: "pyzmq" };

/**
 * Whether what is known of a head node's Python may not hold any more: another one is set by now, or what was found
 * wanting may have been corrected there.
 */
export function isOutdated({ probe, wish }: Pick<Cluster, "probe" | "wish">, profile: Layer): boolean {
  const { python = "python3", prelude = [] } = profile;
  const isSame = python === wish.python && JSON.stringify(prelude) === JSON.stringify(wish.prelude);
  return !isSame || pythonProblem(probe, python) !== null;
}

/**
 * What keeps the jobs' Python from running learners, or null.
 * @param wished as it was set
 */
export function pythonProblem({ host, python }: Pick<Probe, "host" | "python">, wished: string): AdaptiveError | null {
  const another = `another one as "python" of this host in adaptive.clusters, or the lines that load it as "prelude"`;
  if ("problem" in python) {
    return new AdaptiveError(
      "python-missing",
      `There is no Python that runs on ${host}: ${wished} (${python.problem}).`,
      `Choose another one, or set ${another}.`,
    );
  }
  const [major = 0, minor = 0] = python.version.split(".").map(Number);
  if (major < 3 || (major === 3 && minor < oldestMinor)) {
    return new AdaptiveError(
      "python-old",
      `Python ${python.version} on ${host} (${python.path}) is too old: jobs need 3.${oldestMinor} or newer.`,
      `Sites often have a newer one as a module: choose another one, or set ${another}.`,
    );
  }
  if (python.missing.length === 0) return null;
  const names = python.missing.map((name) => packageNames[name] ?? name);
  const list = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}` : names.join("");
  return new AdaptiveError(
    "python-packages",
    `Python ${python.version} on ${host} (${python.path}) has no ${list}.`,
    "Choose another one, make an environment there, or install them by hand.",
    { command: installCommand(python.path, names) },
  );
}

/** Jobs need it to be no older. */
const oldestMinor = 9;

/** Into the system's own Python many systems let nobody install (PEP 668): then into an environment of one's own. */
function installCommand(path: string, names: readonly string[]): string {
  const python = shellQuote(path);
  if (!path.startsWith("/usr/")) return `${python} -m pip install ${names.join(" ")}`;
  // Where it is found by Choose Python.
  const environment = "~/adaptive-env";
  return `${python} -m venv ${environment} && ${environment}/bin/python -m pip install adaptive pyzmq cloudpickle`;
}
