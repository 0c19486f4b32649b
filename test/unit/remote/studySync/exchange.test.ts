import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import { boundedText, textTail } from "../../../../src/remote/boundedText";
import type { Exit } from "../../../../src/remote/transport";
import { exchange } from "../../../../src/remote/studySync/exchange";
import { systemClock } from "../../../../src/scheduler/state/clock";

/** A program that has said its words and is gone: nothing of it is left but what nobody has read. */
function ended(words: string) {
  const [stdin, stdout, stderr] = [new PassThrough(), Readable.from(pieces(words)), Readable.from([])];
  stdin.resume();
  const exit = new Promise<Exit>((resolve) => stdout.on("close", () => resolve({ code: 0, signal: null })));
  return {
    transport: { exec: () => Promise.resolve({ stdin, stdout, stderr, exit }) },
    program: { argv: ["program"], env: {} },
    clock: systemClock,
    signal: new AbortController().signal,
  };
}

test("what cannot be read is said at once, though the program has ended and left something unread", async () => {
  const read = async (stdout: Readable): Promise<never> => {
    await stdout[Symbol.asyncIterator]().next();
    throw new Error("no such file was asked for");
  };
  const asked = exchange(ended("x".repeat(100_000)), [], [], read);
  await expect(asked).rejects.toMatchObject({ message: "no such file was asked for" });
});

test("an answer is read whole up to its bound, and not a byte further", async () => {
  const within = exchange(ended("é".repeat(1 << 19)), [], [], (stdout) => boundedText(stdout, 1 << 20));
  expect(await within).toBe("é".repeat(1 << 19));
  const over = exchange(ended("é".repeat((1 << 19) + 1)), [], [], (stdout) => boundedText(stdout, 1 << 20));
  await expect(over).rejects.toMatchObject({ code: "too-much", message: "The head node answered more than 1 MB." });
});

test("of what is said beside an answer the end is kept", async () => {
  const stream = new PassThrough();
  stream.write("a".repeat(1000));
  stream.end("the end");
  expect(await textTail(stream, 10)).toBe("aaathe end");
});

function* pieces(words: string): Generator<Buffer> {
  const bytes = Buffer.from(words);
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}
