import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSafePath, pack, type PackedFile, unpack } from "../../../src/scheduler/control/pack";
import { planReceipt } from "../../../src/scheduler/study/receive";

async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function packed(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const list = [...files].map(([path, { length }]): PackedFile => ({ path, size: length, isExecutable: false }));
  const pieces = [];
  for await (const piece of pack(list, (path) => chunksOf(files.get(path) ?? new Uint8Array(), 7))) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function unpacked(bytes: Uint8Array, chunkBytes: number): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  await unpack(chunksOf(bytes, chunkBytes), async ({ path }, content) => {
    const pieces = [];
    for await (const piece of content) pieces.push(piece);
    files.set(path, Buffer.concat(pieces));
  });
  return files;
}

describe("files in a stream", () => {
  const name = fc.stringMatching(/^[a-zé =.0-9]{1,12}$/).filter((path) => isSafePath(path));

  test("are the same afterwards, however the stream is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, fc.uint8Array({ maxLength: 40 })), { selector: ([path]) => path, maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        async (files, chunkBytes) => {
          const original = new Map(files);
          const result = await unpacked(await packed(original), chunkBytes);
          expect([...result]).toEqual([...original].map(([path, content]) => [path, Buffer.from(content)]));
        },
      ),
    );
  });

  test("that are not wanted are passed over", async () => {
    const bytes = await packed(
      new Map([
        ["a", Buffer.from("one\n")],
        ["b", Buffer.from("two")],
      ]),
    );
    const seen: string[] = [];
    await unpack(chunksOf(bytes, 5), ({ path }) => Promise.resolve(void seen.push(path)));
    expect(seen).toEqual(["a", "b"]);
  });

  test.each([
    ["nothing", ""],
    ["one that is cut off in a file", '{"path":"a","size":9,"isExecutable":false}\nabc'],
    ["one without an end", '{"path":"a","size":3,"isExecutable":false}\nabc'],
    ["a path outside", '{"path":"../a","size":0,"isExecutable":false}\nnull\n'],
    ["something else", "Welcome to login1\nnull\n"],
    ["a line without end", "x".repeat(70_000)],
  ])("%s is refused", async (_, text) => {
    await expect(unpacked(Buffer.from(text), 100)).rejects.toMatchObject({ code: "bad-pack" });
  });

  test.each([
    ["a/b.py", true],
    ["a b/é=0.1.pickle", true],
    ["..a/b", true],
    ["", false],
    ["/etc/passwd", false],
    ["a/../b", false],
    ["./a", false],
    ["a//b", false],
    ["a\\b", false],
    [".adaptive/run.json", false],
    [".adaptive-peaks/run.json", false],
  ])("%j stays in its folder: %s", (path, isSafe) => {
    expect(isSafePath(path)).toBe(isSafe);
  });
});

describe("a study's folder on a cluster", () => {
  const nothing = { missing: [], place: [], remove: [], aside: [] };
  test.each<[string, [object, object, object, object], object]>([
    ["the first time everything is missing", [{ a: "1" }, {}, {}, {}], { missing: ["a"], place: ["a"] }],
    ["and placed when it comes", [{ a: "1" }, {}, {}, { a: "1" }], { place: ["a"] }],
    ["what came damaged is missing", [{ a: "1" }, {}, {}, { a: "0" }], { missing: ["a"], place: ["a"] }],
    ["what is the same there stays", [{ a: "1" }, { a: "1" }, { a: "1" }, {}], {}],
    ["what changed here is replaced", [{ a: "2" }, { a: "1" }, { a: "1" }, { a: "2" }], { place: ["a"] }],
    ["what is gone here goes", [{}, { a: "1" }, { a: "1" }, {}], { remove: ["a"] }],
    ["but not when it was edited there", [{}, { a: "1" }, { a: "9" }, {}], {}],
    [
      "what was edited there is kept beside",
      [{ a: "2" }, { a: "1" }, { a: "99999999x" }, { a: "2" }],
      { place: ["a"], aside: [{ path: "a", aside: "a.edited-99999999" }] },
    ],
    ["the same edit on both sides is none", [{ a: "2" }, { a: "1" }, { a: "2" }, {}], {}],
    ["what was never sent is nobody's business", [{}, {}, { a: "1" }, {}], {}],
  ])("%s", (_, [wanted, sent, here, arrived], expected) => {
    const plan = planReceipt(
      wanted as Record<string, string>,
      sent as Record<string, string>,
      here as Record<string, string>,
      arrived as Record<string, string>,
    );
    expect(plan).toEqual({ ...nothing, ...expected });
  });
});
