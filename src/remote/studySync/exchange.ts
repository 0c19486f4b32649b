import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type * as v from "valibot";
import type { Clock } from "../../scheduler/state/clock";
import { type AdaptiveError, toAdaptiveError } from "../../scheduler/state/errors";
import { atHost } from "../atHost";
import { boundedText, textTail } from "../boundedText";
import { within } from "../clock";
import { answerOf, programError } from "../launch";
import type { Program } from "../program";
import type { CommandTransport } from "../transport";

/** A program on a cluster, and how it is reached. */
export interface Reach {
  transport: CommandTransport;
  program: Program;
  clock: Clock;
  signal: AbortSignal;
}

/** Files over a slow line. */
const exchangeDeadlineMs = 3_600_000;

/**
 * Runs a command of the program that reads and writes more than a few lines.
 * @param read takes its whole standard output
 * @throws AdaptiveError what the program says went wrong, else what `read` throws
 */
export async function exchange<T>(
  reach: Reach,
  args: readonly string[],
  input: Iterable<string> | AsyncIterable<Uint8Array>,
  read: (stdout: Readable) => Promise<T>,
): Promise<T> {
  try {
    return await run(reach, args, input, read);
  } catch (error) {
    throw atHost(reach.transport, error);
  }
}

/** As `exchange`, of a command that answers with one line of JSON of this shape. */
export async function exchangeForAnswer<S extends v.GenericSchema>(
  reach: Reach,
  args: readonly string[],
  input: Iterable<string> | AsyncIterable<Uint8Array>,
  { schema, maxBytes }: { schema: S; maxBytes: number },
): Promise<v.InferOutput<S>> {
  const said = await exchange(reach, args, input, (stdout) => boundedText(stdout, maxBytes));
  try {
    return answerOf(args[0] ?? "", schema, said);
  } catch (error) {
    throw atHost(reach.transport, error);
  }
}

async function run<T>(
  { transport, program, clock, signal }: Reach,
  args: readonly string[],
  input: Iterable<string> | AsyncIterable<Uint8Array>,
  read: (stdout: Readable) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const process = await transport.exec([...program.argv, ...args], {
    env: program.env,
    signal: AbortSignal.any([signal, ending.signal]),
  });
  // What cannot be sent, or read, ends the command; if it failed itself, that says more.
  const failures: AdaptiveError[] = [];
  const orFail = async <R>(work: Promise<R>): Promise<R | null> =>
    work.catch((error: unknown) => {
      failures.push(toAdaptiveError(error));
      return null;
    });
  const sending = orFail(pipeline(Readable.from(input), process.stdin));
  const reading = orFail(read(process.stdout)).then((result) => {
    if (failures.length > 0) {
      ending.abort();
      // One that has ended already closes only when nobody has anything left to read.
      process.stdout.destroy();
    }
    return result;
  });
  const saying = textTail(process.stderr, 64 << 10);
  try {
    const what = "The head node";
    const { code, lost } = await within(clock, process.exit, { deadlineMs: exchangeDeadlineMs, signal, what });
    if (lost !== undefined) throw lost;
    const [result, stderr] = [await reading, await saying, await sending];
    if (code === 0 && result !== null) return result;
    const error = programError({ code, stdout: typeof result === "string" ? result : "", stderr });
    throw code === 0 || code === null ? (failures[0] ?? error) : error;
  } finally {
    ending.abort();
  }
}
