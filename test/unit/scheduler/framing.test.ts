import fc from "fast-check";
import { expect, test } from "vitest";
import { framed, FrameReader } from "../../../src/scheduler/control/framing";

/** What a reader gives of bytes that come in pieces of these sizes, one after the other. */
function read(bytes: Buffer, sizes: readonly number[], maxBytes = 1000) {
  const dropped: string[] = [];
  const reader = new FrameReader(maxBytes, (why) => dropped.push(why));
  const messages: string[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    messages.push(...reader.push(bytes.subarray(at, at + size)).map(String));
    at += size;
  }
  return { messages, dropped };
}

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });

test("whatever pieces they come in, messages are read as they were written", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1, unit: "grapheme" })), sizes, (messages, sizes) => {
      const bytes = Buffer.concat(messages.map((message) => framed(message)));
      expect(read(bytes, sizes)).toEqual({ messages, dropped: [] });
    }),
  );
});

test("no bytes make it throw, and lines of anything before a message do not cost it", () => {
  const line = fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)));
  fc.assert(
    fc.property(fc.array(line), sizes, (lines, sizes) => {
      const noise = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
      expect(read(Buffer.concat([noise, framed("after")]), sizes).messages).toContain("after");
    }),
  );
});

test.each([
  ["no length", "Content-Length:\r\n\r\n"],
  ["a length below nothing", "Content-Length: -5\r\n\r\n"],
  ["a length of nothing", "Content-Length: 0\r\n\r\n"],
  ["a length without end", "Content-Length: 99999999999999\r\n\r\n"],
  ["a length beyond numbers", `Content-Length: ${"9".repeat(400)}\r\n\r\n`],
  ["a length that is no number", "Content-Length: 0x10\r\n\r\nNaN\r\n"],
  ["an endless line", `${"x".repeat(1 << 20)}\n`],
  ["a page of the web", "GET / HTTP/1.1\r\nHost: here\r\n\r\n<html></html>\r\n"],
  ["several lengths", "Content-Length: 99999999\r\nContent-Length: -1\r\n\r\n"],
])("a header with %s is passed over", (_, header) => {
  const { messages } = read(Buffer.concat([Buffer.from(header), framed("after")]), [7]);
  expect(messages).toEqual(["after"]);
});

test("a message over the bound is passed over with a word about it, and nothing of it is kept", () => {
  const { messages, dropped } = read(
    Buffer.concat([framed("x".repeat(1001)), Buffer.from("\n"), framed("after")]),
    [64],
  );
  expect(messages).toEqual(["after"]);
  expect(dropped[0]).toBe("a message of 1001 bytes, of which 1000 are the most");
});
