import { spawn } from "node:child_process";
import { AdaptiveError, commandMissing } from "../state/errors";
import type { ClusterCommand, CommandOutput } from "./cluster";

export type RunCommand = <T>(command: ClusterCommand<T>) => Promise<T>;

/** Output beyond this is cut off: a queue of 100 000 jobs lists in less. */
const maxOutputBytes = 64 << 20;

/**
 * Runs a command on this machine, in a session of its own: what it leaves running does not get the
 * signals of our terminal.
 *
 * @throws AdaptiveError `command-missing`, `command-timeout`, or what the command's parser throws
 */
export async function runCommand<T>(command: ClusterCommand<T>): Promise<T> {
  return command.parse(await outputOf(command));
}

function outputOf({ argv, stdin, deadlineMs }: ClusterCommand<unknown>): Promise<CommandOutput> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, stdio: "pipe" });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const deadline = setTimeout(() => {
      if (child.pid) process.kill(-child.pid, "SIGKILL");
      reject(new AdaptiveError("command-timeout", `${program} did not answer within ${deadlineMs / 1000} s.`));
    }, deadlineMs);
    child.on("error", (cause) => {
      clearTimeout(deadline);
      reject(commandMissing(program, cause));
    });
    child.on("close", (exitCode) => {
      clearTimeout(deadline);
      resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    });
    child.stdin.on("error", () => {
      // It ended without reading its input; its exit code and words say why.
    });
    child.stdin.end(stdin ?? "");
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on("data", (chunk: Buffer) => {
    if (length < maxOutputBytes) chunks.push(chunk);
    length += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}
