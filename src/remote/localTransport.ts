import { spawn } from "node:child_process";
import { once } from "node:events";
import { AdaptiveError, errnoOf } from "../scheduler/state/errors";
import type { Exit, Transport } from "./transport";

/** Runs commands as children of this process. */
export const localTransport: Transport = {
  async exec(argv, { stdin, cwd, env, signal }) {
    if (signal.aborted) throw cancelled();
    const [program = "", ...args] = argv;
    const child = spawn(program, args, {
      cwd,
      env: { ...withoutEditor(process.env), ...env },
      signal,
      stdio: "pipe",
    });
    const exit = new Promise<Exit>((resolve) => {
      child.on("close", (code, killedBy) => resolve({ code, signal: killedBy }));
    });
    // A process that ends without reading its input must not bring the editor down with EPIPE.
    child.stdin.on("error", () => undefined);
    // Once it has started its only error is that of the signal, and `exit` tells of it.
    child.on("error", () => undefined);
    try {
      await once(child, "spawn");
    } catch (error) {
      throw startError(program, cwd, error);
    }
    if (stdin !== undefined) child.stdin.end(stdin);
    return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exit };
  },
};

/** The environment without what the editor set for itself: scheduler and jobs outlive the editor and inherit it. */
export function withoutEditor(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name)));
}

function cancelled(): AdaptiveError {
  return new AdaptiveError("cancelled", "Cancelled");
}

function startError(program: string, cwd: string | undefined, error: unknown): AdaptiveError {
  const errno = errnoOf(error);
  if (errno === "ABORT_ERR") return cancelled();
  const hint =
    errno === "ENOENT"
      ? `Check that ${program}${cwd === undefined ? "" : ` and the folder ${cwd}`} exist.`
      : "See the cause in the log.";
  return new AdaptiveError("not-started", `${program} could not be started (${errno ?? String(error)})`, hint, {
    cause: error,
  });
}
