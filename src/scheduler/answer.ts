import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { AdaptiveError, commandMissing } from "./state/errors";

export interface Asking {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Stands before and behind each answer, in one line; random, so that nothing else prints it. */
  mark: string;
  deadlineMs: number;
  signal: AbortSignal;
  /** Told everything else, as it is printed. */
  onNoise?(text: string): void;
}

/** What a process has said. */
export interface Said {
  /** What stood between two marks, in order. */
  answers: readonly string[];
  exitCode: number | null;
  /** What ended it, where no exit code did. */
  endedBy: NodeJS.Signals | null;
  /** The end of everything else, for a person. */
  noise: string;
}

/** The answer of a hundred thousand learners has 30 MB. */
const maxPrintedBytes = 128 << 20;
/** Beside it hardly anything is printed to the same stream. */
const maxStrayBytes = 1 << 20;
const maxNoiseLength = 64 << 10;
/** What it left running in a session of its own may hold its output open. */
const afterExitMs = 1000;

/**
 * Runs a process for its answers, and ends it with all that it started: when the last answer is there, at the deadline,
 * when it is cancelled. Its standard input stays open as long as this process lives, for it to end with us.
 *
 * @param isLast whether nothing more is waited for after these answers
 * @throws AdaptiveError `command-missing`, `timeout`, `cancelled`, `answer-too-long`
 */
export function askProcess(
  { argv, env, mark, deadlineMs, signal, onNoise }: Asking,
  isLast: (answers: readonly string[]) => boolean,
): Promise<Said> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new AdaptiveError("cancelled", "Cancelled"));
    const child = spawn(program, args, { detached: true, stdio: "pipe", env: { ...process.env, ...env } });
    const said: Said & { answers: string[] } = { answers: [], exitCode: null, endedBy: null, noise: "" };
    let isSettled = false;
    const hear = (noise: string): void => {
      said.noise += noise;
      if (!isSettled) onNoise?.(noise);
      if (said.noise.length > 2 * maxNoiseLength) said.noise = said.noise.slice(-maxNoiseLength);
    };
    const settle = (outcome: () => void): void => {
      isSettled = true;
      clearTimeout(deadline);
      clearTimeout(lastWords);
      signal.removeEventListener("abort", onAbort);
      endGroup(child.pid);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      outcome();
    };
    const fail = (code: string, message: string, hint = "", cause: unknown = said.noise): void =>
      settle(() => reject(new AdaptiveError(code, message, hint, { cause })));
    let lastWords: NodeJS.Timeout | undefined;
    const deadline = setTimeout(
      () => fail("timeout", `${program} did not answer within ${deadlineMs / 1000} s${lastLine(said.noise)}`),
      deadlineMs,
    );
    const onAbort = (): void => fail("cancelled", "Cancelled");
    signal.addEventListener("abort", onAbort, { once: true });
    child.on("error", (cause) => settle(() => reject(commandMissing(program, cause))));
    child.on("exit", (code, endedBy) => {
      said.exitCode = code;
      said.endedBy = endedBy;
      endGroup(child.pid);
      lastWords = setTimeout(() => settle(() => resolve(said)), afterExitMs);
    });
    child.on("close", () => settle(() => resolve(said)));
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", hear);
    let printedBytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      printedBytes += chunk.length;
      if (printedBytes > maxPrintedBytes) tooLong();
    });
    const tooLong = (): void => fail("answer-too-long", `${program} prints without end${lastLine(said.noise)}`);
    let strayBytes = 0;
    createInterface({ input: child.stdout }).on("line", (line) => {
      // Of what was read at once there may be thousands more.
      if (isSettled) return;
      const [noise = "", answer, ...rest] = line.split(mark);
      strayBytes += noise.length + 1;
      if (strayBytes > maxStrayBytes) return tooLong();
      if (answer === undefined || rest.length === 0) return hear(`${line}\n`);
      hear(noise);
      said.answers.push(answer);
      if (isLast(said.answers)) settle(() => resolve(said));
    });
  });
}

function lastLine(text: string): string {
  const line = text.trimEnd().split("\n").at(-1) ?? "";
  return line === "" ? "." : `; the last that was printed: ${line}`;
}

/** What it has started is in its group, unless it has a session of its own. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All have ended.
  }
}
