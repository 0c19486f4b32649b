import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { localTransport } from "../../../../src/remote/localTransport";
import { Relay, relayArgv } from "../../../../src/remote/ssh/relay";
import type { Exit } from "../../../../src/remote/transport";
import { AdaptiveError } from "../../../../src/scheduler/state/errors";

const { signal } = new AbortController();
const world = {
  notStarted: (missing: string) => new AdaptiveError("not-started", missing),
  lost: () => new AdaptiveError("lost", "The relay has ended"),
};

test("a command that no system could start costs nobody else's", async () => {
  const relay = new Relay(await localTransport.exec(relayArgv, { signal }), world);
  onTestFinished(() => relay.dispose());
  const other = await relay.exec(["cat"], { signal });
  await expect(relay.exec(["a\0b"], { signal })).rejects.toMatchObject({ code: "not-started" });
  await expect(relay.exec(["true"], { signal, env: { "a=b": "c" } })).rejects.toMatchObject({ code: "not-started" });
  other.stdin.end("still here");
  expect(String(await other.stdout.toArray())).toBe("still here");
  expect(await other.exit).toMatchObject({ code: 0 });
});

function frame(letter: string, number: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.write(letter, 0, "latin1");
  head.writeUInt32BE(number, 1);
  head.writeUInt32BE(length, 5);
  return Buffer.concat([head, payload]);
}

test.each([
  ["a frame without end", frame("1", 1, Buffer.alloc(10), 0xffffffff)],
  ["an end that is no JSON", frame("x", 1, Buffer.from("{"))],
  ["an end that is none", frame("x", 1, Buffer.from("[]"))],
  ["a number that is cut off", frame("i", 1, Buffer.alloc(2))],
  [
    "more output than was allowed",
    Buffer.concat(Array.from({ length: 40 }, () => frame("1", 1, Buffer.alloc(32_768)))),
  ],
])("a host that sends %s is given up, and its commands hear of it", async (_, bytes) => {
  const [stdin, stdout, stderr] = [new PassThrough().resume(), new PassThrough(), new PassThrough()];
  const relay = new Relay({ stdin, stdout, stderr, exit: new Promise<Exit>(() => undefined) }, world);
  const opened = relay.exec(["cat"], { signal });
  stdout.write(frame("s", 1, Buffer.alloc(0)));
  const command = await opened;
  stdout.write(bytes);
  command.stderr.resume();
  await new Promise((resolve) => setImmediate(resolve));
  command.stdout.resume();
  expect((await command.exit).lost).toMatchObject({ code: "bad-relay" });
  await expect(relay.exec(["cat"], { signal })).rejects.toMatchObject({ code: "bad-relay" });
});

const opening = frame("o", 1, Buffer.from(JSON.stringify({ argv: ["cat"] })));
const pieces = Array.from({ length: 40 }, () => frame("i", 1, Buffer.alloc(32_768)));

test.each([
  ["a frame that is too long", frame("o", 1, Buffer.alloc(10), 0xffffffff)],
  // Nobody takes what `cat` prints, so it reads no more.
  ["more input than was allowed", Buffer.concat([opening, ...pieces])],
])("a client that sends %s is served no further", async (what, bytes) => {
  const relay = await localTransport.exec(relayArgv, { signal });
  onTestFinished(() => void relay.stdin.end());
  relay.stdin.on("error", () => undefined).write(bytes);
  relay.stdout.resume();
  expect(String(Buffer.concat(await relay.stderr.toArray()))).toContain(what);
  expect(await relay.exit).toMatchObject({ code: 1 });
});
