import { AdaptiveError } from "../../scheduler/state/errors";
import type { Probe } from "./probe";

/** By the name to import, the name to install. */
const packageNames: Readonly<Record<string, string>> = { zmq: "pyzmq" };

/**
 * What keeps the jobs' Python from running learners, or null.
 * @param wished as it was set
 */
export function pythonProblem({ host, python }: Pick<Probe, "host" | "python">, wished: string): AdaptiveError | null {
  const another = `set another one as "python" of this host in adaptive.clusters, or the lines that load it as "prelude".`;
  if ("problem" in python) {
    return new AdaptiveError(
      "python-missing",
      `There is no Python that runs on ${host}: ${wished} (${python.problem}).`,
      `Correct it: ${another}`,
    );
  }
  if (python.missing.length === 0) return null;
  const names = python.missing.map((name) => packageNames[name] ?? name);
  const list = names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}` : names.join("");
  return new AdaptiveError(
    "python-packages",
    `Python ${python.version} on ${host} (${python.path}) has no ${list}.`,
    `Install them there (${python.path} -m pip install ${names.join(" ")}), or ${another}`,
  );
}
