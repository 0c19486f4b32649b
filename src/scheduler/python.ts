import { randomUUID } from "node:crypto";
import { askProcess, type Said } from "./answer";
import { loginArgv, type LoginFiles, loginFiles } from "./jobs/loginShell";
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
  signal?: AbortSignal;
}

/**
 * Runs a module of `adaptive_scheduler` as a job would: in bash, after the login files and the prelude. What these, the
 * user's code and its modules print is no part of the answer, whatever and wherever.
 *
 * @returns the JSON object that the module answered with
 * @throws AdaptiveError `python-missing`, `python-failed`, `timeout`, `cancelled`
 */
export async function callPython(call: PythonCall): Promise<unknown> {
  const { python, module } = call;
  let noise = "";
  for (const files of loginFiles) {
    const said = await ask(call, files);
    const [begun, answer] = said.answers;
    if (answer === missing) throw noPython(python);
    if (answer !== undefined) return parsed(answer);
    // Login files that end the shell, or replace it by another, are left out.
    if (begun !== undefined) throw failed(`${python} -m adaptive_scheduler.${module}`, said);
    noise ||= said.noise;
  }
  throw failed("bash", { exitCode: null, noise });

  function parsed(answer: string): unknown {
    try {
      return JSON.parse(answer) as unknown;
    } catch (cause) {
      const words = `${python} -m adaptive_scheduler.${module} gave an answer that is no JSON: ${answer.slice(0, 200)}`;
      throw new AdaptiveError("python-failed", words, "", { cause });
    }
  }
}

function ask({ python, prelude, path, cwd, module, args, deadlineMs, signal }: PythonCall, files: LoginFiles) {
  const mark = `-- ${randomUUID()} --`;
  const answer = (text: string) => `printf '%s\\n' '${mark}${text}${mark}' >&${channel}`;
  const login = loginArgv(files, [
    answer(begun),
    `export PYTHONPATH=${shellQuote(path.join(":"))}"\${PYTHONPATH:+:$PYTHONPATH}"`,
    ...prelude,
    `cd ${shellQuote(cwd)} || exit 1`,
    `command -v ${shellQuote(python)} >/dev/null || { ${answer(missing)}; exit 127; }`,
    `exec ${shellQuote(python)} -m adaptive_scheduler.${module} "$@" >&${channel}`,
  ]);
  const argv = ["bash", "-c", withAsker, "bash", ...login, ...args];
  const asking = { argv, env: { ADAPTIVE_MARK: mark }, mark, deadlineMs };
  return askProcess({ ...asking, signal: signal ?? new AbortController().signal }, ({ length }) => length === 2);
}

const begun = "begun";
const missing = "missing";
/** A descriptor that no login file is likely to use for something of its own. */
const channel = 19;

/**
 * Ends everything when whoever asked has ended, in whatever way: then their end of the standard input closes. What is
 * run has none to wait for, and its standard output is standard error.
 */
const withAsker = `
{ while read -r _; do :; done; kill -KILL 0; } <&0 >/dev/null 2>&1 &
exec ${channel}>&1 1>&2 </dev/null
exec "$@"
`;

function noPython(python: string): AdaptiveError {
  return new AdaptiveError(
    "python-missing",
    `There is no Python at ${python}.`,
    `Choose another one (--python PATH, or "python" in the setting adaptive.clusters) that has the packages adaptive, pyzmq and cloudpickle.`,
  );
}

function failed(what: string, { exitCode, noise }: Pick<Said, "exitCode" | "noise">): AdaptiveError {
  const words = noise.trim().split("\n").slice(-8).join("\n");
  return new AdaptiveError(
    "python-failed",
    `${what} failed (exit code ${exitCode ?? "none"}): ${words || "it printed nothing"}`,
  );
}
