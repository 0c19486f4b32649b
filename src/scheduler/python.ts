import { runCommand } from "./clusters/runCommand";
import { shellQuote } from "./jobs/quote";
import { AdaptiveError } from "./state/errors";

export interface PythonCall {
  python: string;
  prelude: readonly string[];
  /** Folders put in front of PYTHONPATH. */
  path: readonly string[];
  cwd: string;
  module: string;
  args: readonly string[];
  deadlineMs: number;
}

/**
 * Runs a module of `adaptive_scheduler` as a job would: in a login bash, after the prelude.
 *
 * @returns the JSON object it printed; what else the user's code and rc files print goes to standard error
 * @throws AdaptiveError `python-missing`, `python-failed`
 */
export function callPython({ python, prelude, path, cwd, module, args, deadlineMs }: PythonCall): Promise<unknown> {
  const script = [
    // Whatever rc files and prelude print must not mix with the answer.
    "exec 3>&1 1>&2",
    `export PYTHONPATH=${shellQuote(path.join(":"))}"\${PYTHONPATH:+:$PYTHONPATH}"`,
    ...prelude,
    `cd ${shellQuote(cwd)} || exit 1`,
    `command -v ${shellQuote(python)} >/dev/null || { echo ${shellQuote(missing)}; exit 127; }`,
    `exec ${shellQuote(python)} -m adaptive_scheduler.${module} ${args.map(shellQuote).join(" ")} 1>&3`,
  ].join("\n");
  return runCommand({
    argv: ["bash", "-l", "-s"],
    stdin: script,
    deadlineMs,
    parse: ({ exitCode, stdout, stderr }) => {
      if (exitCode === 127 && stderr.includes(missing)) {
        throw new AdaptiveError(
          "python-missing",
          `There is no Python at ${python}.`,
          `Choose another one (--python PATH, or "python" in the setting adaptive.clusters) that has the packages adaptive, mpi4py, pyzmq and cloudpickle.`,
        );
      }
      try {
        return JSON.parse(stdout) as unknown;
      } catch (cause) {
        const words = stderr.trim().split("\n").slice(-8).join("\n");
        throw new AdaptiveError(
          "python-failed",
          `${python} -m adaptive_scheduler.${module} failed (exit code ${exitCode ?? "none"}): ${words || "it printed nothing"}`,
          "",
          { cause },
        );
      }
    },
  });
}

const missing = "adaptive-scheduler: no such python";
