import { randomUUID } from "node:crypto";
import { askProcess, type Said } from "./answer";
import { hiddenModule, hiddenWords } from "./jobs/hiddenModule";
import { loginArgv, type LoginFiles, loginFiles, ownNames } from "./jobs/loginShell";
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
  /** Why it ended without an answer, where whoever calls knows more of it. */
  explainSilence?(said: Said): AdaptiveError | null;
}

/** Lines of bash that answer. */
export interface LoginCall {
  prelude: readonly string[];
  /** Follow the prelude; `say "WORDS"` is an answer, and so is what is printed to `&channel` between two marks. */
  lines: readonly string[];
  /** `$1` and so on. */
  args: readonly string[];
  deadlineMs: number;
  signal?: AbortSignal;
  /** How many answers there are at most; without it all that come until the end. */
  answers?: number;
  /** Told each answer and what else is printed, as it comes. */
  onAnswer?(answer: string): void;
  onNoise?(text: string): void;
}

/**
 * Runs lines of bash as a job would: after the login files and the prelude. What these print is no part of the answers.
 *
 * @throws AdaptiveError `python-failed` when no bash begins, `timeout`, `cancelled`
 */
export async function askInLogin(call: LoginCall): Promise<Said> {
  let noise = "";
  for (const files of loginFiles) {
    const said = await ask(call, files);
    const [begins, ...answers] = said.answers;
    // Login files that end the shell, or replace it by another, are left out.
    if (begins !== undefined) return { ...said, answers };
    noise ||= said.noise;
  }
  throw failed("bash", { exitCode: null, endedBy: null, noise });
}

/**
 * Runs a module of `adaptive_scheduler` as a job would: in bash, after the login files and the prelude. What these, the
 * user's code and its modules print is no part of the answer, whatever and wherever.
 *
 * @returns the JSON object that the module answered with
 * @throws AdaptiveError `python-missing`, `python-failed`, `timeout`, `cancelled`
 */
export async function callPython(call: PythonCall): Promise<unknown> {
  const { python, prelude, path, cwd, module } = call;
  const said = await askInLogin({
    ...call,
    prelude,
    lines: [
      // Behind the prelude, which may set them anew.
      ...ownNames,
      `export PYTHONPATH=${shellQuote(path.join(":"))}"\${PYTHONPATH:+:$PYTHONPATH}"`,
      `cd ${shellQuote(cwd)} || exit 1`,
      `command -v ${shellQuote(python)} >/dev/null || { say ${missing}; exit 127; }`,
      `exec ${shellQuote(python)} -m adaptive_scheduler.${module} "$@" >&${channel}`,
    ],
    answers: 1,
  });
  const [answer] = said.answers;
  if (answer === missing) throw noPython(python);
  if (answer === undefined)
    throw call.explainSilence?.(said) ?? hides(said, cwd) ?? failed(`${python} -m adaptive_scheduler.${module}`, said);
  try {
    return JSON.parse(answer) as unknown;
  } catch (cause) {
    const words = `${python} -m adaptive_scheduler.${module} gave an answer that is no JSON: ${answer.slice(0, 200)}`;
    throw new AdaptiveError("python-failed", words, "", { cause });
  }
}

function ask({ prelude, lines, args, deadlineMs, signal, answers, onAnswer, onNoise }: LoginCall, files: LoginFiles) {
  const mark = `-- ${randomUUID()} --`;
  const login = loginArgv(files, [
    `say() { printf '%s\\n' '${mark}'"$1"'${mark}' >&${channel}; }`,
    `say begun`,
    ...prelude,
    ...lines,
  ]);
  const argv = ["bash", "-c", withAsker, "bash", ...login, ...args];
  const asking = { argv, env: { ADAPTIVE_MARK: mark }, mark, deadlineMs, ...(onNoise && { onNoise }) };
  return askProcess({ ...asking, signal: signal ?? new AbortController().signal }, (said) => {
    const newest = said.at(-1);
    if (said.length > 1 && newest !== undefined) onAnswer?.(newest);
    return answers !== undefined && said.length > answers;
  });
}

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
    "Choose another one that has the packages adaptive, pyzmq and cloudpickle, or make an environment with them.",
  );
}

function hides({ noise }: Said, folder: string): AdaptiveError | null {
  const found = hiddenModule(noise, folder);
  if (!found) return null;
  const { cause, hint } = hiddenWords(found);
  return new AdaptiveError("module-hidden", `${cause}:\n${lastLines(noise)}`, `${hint}.`);
}

function failed(what: string, said: Pick<Said, "exitCode" | "endedBy" | "noise">): AdaptiveError {
  const words = lastLines(said.noise);
  return new AdaptiveError(
    "python-failed",
    `${what} failed (${endOf(said)}): ${words || "it printed nothing"}`,
    "Look whether it is a Python 3.9 or newer that starts by itself; else choose another one.",
  );
}

export const endOf = ({ exitCode, endedBy }: Pick<Said, "exitCode" | "endedBy">): string =>
  endedBy === null ? `exit code ${exitCode ?? "none"}` : `signal ${endedBy}`;

export const lastLines = (noise: string): string => noise.trim().split("\n").slice(-8).join("\n");
