import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { AdaptiveError, errnoOf } from "../scheduler/state/errors";
import { Relay, relayArgv } from "./ssh/relay";
import type { Exit, TerminalTransport } from "./transport";
import { uploadFailed } from "./uploadFailed";

/** This machine: commands are children of this process. */
export const localTransport: TerminalTransport = {
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

  async upload(content, file, { mode = 0o600, onProgress, signal }) {
    const partial = `${file}.${randomUUID()}.part`;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(partial, content, { flag: "wx", flush: true, signal });
      // Unlike a mode given at creation, this one is not cut by the umask.
      await chmod(partial, mode);
      await rename(partial, file);
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined);
      throw uploadError(file, error);
    }
    onProgress?.(content.length);
  },

  async terminal(argv, options) {
    const relay = new Relay(await localTransport.exec(relayArgv, { signal: options.signal }), {
      notStarted: (_missing, program, cwd) => notStarted(program, cwd, "ENOENT"),
      lost: () => new AdaptiveError("not-started", "There is no Python 3 to open a terminal with", "Install one."),
    });
    const terminal = await relay.terminal(argv, options);
    void terminal.exit.then(() => relay.dispose());
    return terminal;
  },
};

/** The environment without what the editor set for itself: scheduler and jobs outlive the editor and inherit it. */
export function withoutEditor(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VSCODE_|ELECTRON_|NODE_OPTIONS$)/.test(name)));
}

function uploadError(file: string, error: unknown): AdaptiveError {
  const errno = errnoOf(error);
  if (errno === "ABORT_ERR") return cancelled();
  return uploadFailed(file, errno === "ENOSPC" || errno === "EDQUOT", String(error));
}

function cancelled(): AdaptiveError {
  return new AdaptiveError("cancelled", "Cancelled");
}

function startError(program: string, cwd: string | undefined, error: unknown): AdaptiveError {
  const errno = errnoOf(error);
  if (errno === "ABORT_ERR") return cancelled();
  return notStarted(program, cwd, errno, error);
}

function notStarted(
  program: string,
  cwd: string | undefined,
  errno: string | undefined,
  cause?: unknown,
): AdaptiveError {
  const hint =
    errno === "ENOENT"
      ? `Check that ${program}${cwd === undefined ? "" : ` and the folder ${cwd}`} exist.`
      : "See the cause in the log.";
  return new AdaptiveError("not-started", `${program} could not be started (${errno ?? String(cause)})`, hint, {
    cause,
  });
}
