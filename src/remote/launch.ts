import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as v from "valibot";
import { formatBytes } from "../scheduler/control/bytes";
import { configReportSchema, type ConfigReport } from "../scheduler/control/configReport";
import { endsWithInput } from "../scheduler/control/endsWithInput";
import { foreignCode } from "../scheduler/control/jsonRpc";
import { AdaptiveError } from "../scheduler/state/errors";
import { valueIn, type TypedSettings } from "../scheduler/state/layers";
import { type Queue, settingNames } from "../scheduler/state/settings";
import { atHost } from "./atHost";
import { within } from "./clock";
import type { Clock } from "../scheduler/state/clock";
import type { Program } from "./program";
import type { Profile } from "./python";
import type { CommandTransport, ExecOptions, RunningProcess } from "./transport";

/** A call of the scheduler program as a value: what to run, and what its output means. */
export interface ProgramCommand<T> {
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** @throws AdaptiveError what the program says went wrong */
  parse(output: CommandOutput): T;
}

export interface CommandOutput {
  code: number | null;
  stdout: string;
  stderr: string;
}

const scriptSchema = v.object({ script: v.string() });
const initSchema = v.object({
  run: v.string(),
  runId: v.string(),
  resumed: v.boolean(),
  warnings: v.optional(v.pipe(v.array(v.string()), v.maxLength(100)), []),
});
/** A run that is ready to be attached to; `run` is its directory. */
export type InitResult = v.InferOutput<typeof initSchema>;

/** Makes the run of a study on this machine; one that exists goes by the settings of now. */
export function initCommand(program: Program, start: Start): ProgramCommand<InitResult> {
  return startCommand(program, "init", start, (stdout) => answerOf("init", initSchema, stdout));
}

/** Every setting of a study, and where it comes from. */
export function configCommand(program: Program, start: Start): ProgramCommand<ConfigReport> {
  return startCommand(program, "config", start, (stdout) => answerOf("config", configReportSchema, stdout));
}

/** The script of the jobs that a start would submit. */
export function scriptCommand(program: Program, start: Start): ProgramCommand<string> {
  return startCommand(program, "script", start, (stdout) => answerOf("script", scriptSchema, stdout).script);
}

/** A study with everything that a start of it goes by. */
export interface Start {
  learnersFile: string;
  /** Where its jobs are submitted to, if not to this computer. */
  queue?: Queue;
  profile: Profile;
  typed: TypedSettings;
}

function startCommand<T>(
  program: Program,
  command: string,
  { learnersFile, queue = "local", profile, typed }: Start,
  parse: (stdout: string) => T,
): ProgramCommand<T> {
  const own = [command, "--learners", learnersFile, "--cluster", queue, "--json"];
  const set = settingNames.flatMap((name) => {
    const value = valueIn(typed.set, name);
    return value === undefined ? [] : ["--set", `${name}=${JSON.stringify(value)}`];
  });
  const unset = typed.unset.flatMap((name) => ["--unset", name]);
  return {
    argv: [...program.argv, ...own, "--profile", JSON.stringify(profile), ...set, ...unset],
    env: program.env,
    parse: (output) => {
      if (output.code !== 0) throw programError(output);
      return parse(output.stdout);
    },
  };
}

/** The last line of what a command printed, as its answer. */
export function answerOf<S extends v.GenericSchema>(command: string, schema: S, stdout: string): v.InferOutput<S> {
  const result = v.safeParse(schema, lastLineAsJson(stdout));
  if (result.success) return result.output;
  throw new AdaptiveError("bad-answer", `The scheduler's answer to ${command} was not understood`, "See the log.", {
    cause: stdout.slice(-10_000),
  });
}

/**
 * The bridge to a run's scheduler, which it may start when none serves the run. It carries JSON-RPC
 * until it ends, so what it prints is parsed only when that goes wrong.
 */
export function attachCommand(program: Program, run: string, mayStart: boolean): ProgramCommand<never> {
  return {
    // With --json it says in its last line why it failed, as init does.
    argv: [...program.argv, "attach", run, "--json", ...(mayStart ? [] : ["--no-start"])],
    env: program.env,
    parse: (output) => {
      if (output.code === 0) throw new AdaptiveError("scheduler-ended", "The scheduler ended");
      throw programError(output);
    },
  };
}

interface Waiting extends Pick<ExecOptions, "cwd" | "env" | "stdin"> {
  clock: Clock;
  deadlineMs: number;
  signal: AbortSignal;
  /** Who is waited for, as the beginning of a sentence. */
  what: string;
  /** Told each line of standard output, as it comes. */
  onLine?(line: string): void;
}

/** Runs a command to its end and parses what it printed. It ends with the editor. */
export async function runCommand<T>(
  transport: CommandTransport,
  command: ProgramCommand<T>,
  options: Omit<Waiting, "what" | "env" | "stdin">,
): Promise<T> {
  const env = { ...command.env, [endsWithInput]: "1" };
  const what = command.argv.slice(0, 3).join(" ");
  try {
    return command.parse(await outputOf(transport, command.argv, { ...options, env, what }));
  } catch (error) {
    throw atHost(transport, error);
  }
}

/**
 * What a command printed, when it has ended. The waiting ends at the deadline and when it is cancelled, also while
 * nobody knows whether the command has begun.
 */
export async function outputOf(
  transport: CommandTransport,
  argv: readonly string[],
  { clock, deadlineMs, signal, what, onLine, ...execOptions }: Waiting,
): Promise<CommandOutput> {
  const ending = new AbortController();
  const run = async (): Promise<CommandOutput> => {
    const own = AbortSignal.any([signal, ending.signal]);
    const process = await transport.exec(argv, { ...execOptions, signal: own });
    const stdout = new Tail(process.stdout, maxAnswerBytes, () => ending.abort());
    const stderr = new Tail(process.stderr, tailBytes);
    if (onLine) createInterface({ input: process.stdout }).on("line", onLine);
    const { code, lost } = await process.exit;
    process.stdin.end();
    if (stdout.isCut) throw answerTooLong(what);
    if (lost !== undefined) throw lost;
    return { code, stdout: stdout.text, stderr: stderr.text };
  };
  try {
    return await within(clock, run(), { deadlineMs, signal, what });
  } finally {
    ending.abort();
  }
}

/** An answer is read whole: that of `list` has 400 bytes for each run, that of `delete` one for each letter of a path. */
const maxAnswerBytes = 64 << 20;
const tailBytes = 64 * 1024;

function answerTooLong(what: string): AdaptiveError {
  return new AdaptiveError(
    "answer-too-long",
    `${what} printed more than ${formatBytes(maxAnswerBytes)}, which is no answer`,
    "Try it in a terminal there, to see what it prints.",
  );
}

/** Follows a process and gives, whenever asked, the end of what it has printed so far. */
export function outputTail(process: RunningProcess): () => { stdout: string; stderr: string } {
  const [stdout, stderr] = [new Tail(process.stdout, tailBytes), new Tail(process.stderr, tailBytes)];
  return () => ({ stdout: stdout.text, stderr: stderr.text });
}

/** The end of a stream, at most so many bytes of it. */
class Tail {
  /** Whether there was more. */
  isCut = false;
  private readonly pieces: Buffer[] = [];
  private bytes = 0;

  constructor(
    stream: Readable,
    private readonly maxBytes: number,
    private readonly onCut: () => void = () => undefined,
  ) {
    stream.on("data", (chunk: Buffer) => this.add(chunk));
  }

  get text(): string {
    return Buffer.concat(this.pieces).subarray(-this.maxBytes).toString("utf8");
  }

  private add(chunk: Buffer): void {
    this.pieces.push(chunk);
    this.bytes += chunk.length;
    if (this.bytes > this.maxBytes && !this.isCut) {
      this.isCut = true;
      this.onCut();
    }
    for (let [first] = this.pieces; first && this.bytes - first.length >= this.maxBytes; [first] = this.pieces) {
      this.bytes -= first.length;
      this.pieces.shift();
    }
  }
}

const errorSchema = v.object({
  error: v.object({
    code: foreignCode,
    message: v.string(),
    hint: v.optional(v.string(), ""),
    command: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(2000), v.regex(/^\P{Cc}*$/u))), null),
  }),
});

/** What a program that failed says of it: its last line, or else the end of its standard error. */
export function programError(output: CommandOutput): AdaptiveError {
  const said = v.safeParse(errorSchema, lastLineAsJson(output.stdout));
  if (said.success) {
    const { code, message, hint, command } = said.output.error;
    return new AdaptiveError(code, message, hint, { cause: output.stderr, ...(command !== null && { command }) });
  }
  const last = lastWords(output.stderr);
  const how = output.code === null ? "was ended by a signal" : `ended with exit code ${output.code}`;
  return new AdaptiveError(
    "program-failed",
    `The scheduler program ${how}${last === "" ? "" : `: ${last}`}`,
    "See the log.",
    { cause: output.stderr },
  );
}

/** The end of what a program wrote; of a Node that crashed its error, which stack and version follow. */
function lastWords(stderr: string): string {
  const last = lastLine(stderr);
  const errors = stderr.split("\n").filter((line) => /^\w*Error\b.*:/.test(line));
  return /^Node\.js v\d/.test(last) ? (errors.at(-1) ?? last) : last;
}

function lastLineAsJson(text: string): unknown {
  try {
    return JSON.parse(lastLine(text));
  } catch {
    return undefined;
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
