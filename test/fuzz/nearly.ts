/** Inputs that are nearly right: samples of what is, with something wrong in a few places. */
import fc from "fast-check";

const deep = 5000;

/** As they stand in JSON. */
const wrongValues: readonly string[] = [
  ...["null", "true", "0", "-0", "-1", "0.5", "1e308", "1e999", "9007199254740993", "123456789012345678901234567890"],
  ...['""', "{}", "[]", "[null]", '{"toString":1}', '{"__proto__":{"isAdmin":true}}', '{"constructor":null}'],
  ...['"__proto__"', '"constructor"', '"toString"', '"NaN"', '"\\ud800"', '"\\u0000"', '"a\\u202eb\\u001b[2J"'],
  ...['"../../../etc/passwd"', '"/dev/zero"', '"C:\\\\x"', '"[x](command:a)"', '"$(error) x"', '"a\\nb"', '"-rf"'],
  `${"[".repeat(deep)}${"]".repeat(deep)}`,
  `${'{"a":'.repeat(deep)}1${"}".repeat(deep)}`,
  `"${"x".repeat(70_000)}"`,
  `[${"0,".repeat(20_000)}0]`,
  // No JSON at all.
  ...["NaN", "undefined", "01", "'x'", '"', "{", "]", ",", "/*", '{"a":1,"a":2}', ""],
];
const wrongNames = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "length",
  "",
  "v",
  "\u2028",
  "x".repeat(5000),
];

const place = fc.nat(10_000);

type Step =
  | { kind: "put"; at: number; text: string }
  | { kind: "drop"; at: number }
  | { kind: "name"; at: number; name: string; text: string }
  | { kind: "repeat"; at: number; times: number };

const value = fc.oneof(
  { arbitrary: fc.constantFrom(...wrongValues), weight: 4 },
  { arbitrary: fc.json({ maxDepth: 2 }), weight: 1 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("put"), at: place, text: value }),
  fc.record({ kind: fc.constant("drop"), at: place }),
  fc.record({ kind: fc.constant("name"), at: place, name: fc.constantFrom(...wrongNames), text: value }),
  fc.record({ kind: fc.constant("repeat"), at: place, times: fc.constantFrom(2, 100, 5000) }),
);

/** Messages in JSON of which a few values are others, missing, or there twice. */
export function nearlyJson(samples: readonly unknown[]): fc.Arbitrary<Buffer> {
  const changed = fc
    .tuple(fc.constantFrom(...samples), fc.array(step, { maxLength: 3 }))
    .map(([sample, steps]) => Buffer.from(steps.reduce(changedJson, JSON.stringify(sample))));
  return fc.oneof(
    { arbitrary: changed, weight: 8 },
    { arbitrary: changed.chain((bytes) => nearlyBytes([bytes])), weight: 1 },
    { arbitrary: anyBytes, weight: 1 },
  );
}

/** A text with JSON as it is after one step; what is none any more stays as it is. */
function changedJson(text: string, change: Step): string {
  try {
    return changed(JSON.parse(text), change);
  } catch {
    return text;
  }
}

function changed(root: unknown, change: Step): string {
  const parents = placesIn(root);
  const [parent, name] = parents[change.at % parents.length] ?? [[root], 0];
  const there = (parent as Record<string | number, unknown>)[name];
  // Some things that are wrong no value stands for.
  const mark = "\ue000here\ue000";
  switch (change.kind) {
    case "drop":
      if (Array.isArray(parent)) parent.splice(Number(name), 1);
      else delete (parent as Record<string, unknown>)[name];
      return rendered(parents, "", "");
    case "put":
      assign(parent, name, mark);
      return rendered(parents, mark, change.text);
    case "name":
      if (typeof there === "object" && there !== null && !Array.isArray(there)) assign(there, change.name, mark);
      else assign(parent, name, mark);
      return rendered(parents, mark, change.text);
    case "repeat": {
      const once = JSON.stringify(there);
      if (once.length * change.times > 2_000_000) return JSON.stringify(root);
      assign(parent, name, mark);
      return rendered(parents, mark, `[${`${once},`.repeat(change.times - 1)}${once}]`);
    }
  }
}

/** Also a name that means something to objects is an ordinary one. */
function assign(to: object, name: string | number, value: unknown): void {
  Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true });
}

type Place = readonly [parent: object, name: string | number];

/** Every value within another; the root is in a list of its own, which is the first place. */
function placesIn(root: unknown): Place[] {
  const places: Place[] = [[[root], 0]];
  const maxPlaces = 300;
  for (const [parent, name] of places) {
    const value = (parent as Record<string | number, unknown>)[name];
    if (typeof value !== "object" || value === null || places.length > maxPlaces) continue;
    for (const key of Object.keys(value)) places.push([value, key]);
  }
  return places;
}

function rendered(places: readonly Place[], mark: string, text: string): string {
  const [[box = []] = []] = places;
  const root = JSON.stringify(box).slice(1, -1);
  return mark === "" ? root : root.split(JSON.stringify(mark)).join(text);
}

/** Of any format. */
const wrongWords = [
  "\0",
  "\ufeff",
  "\r",
  "\n",
  "\u2028",
  "\t",
  " ",
  "\x1b[31m",
  "\ud800",
  "%",
  "*".repeat(60),
  "\\",
  "'",
  '"',
];
const moreWords = [
  "-1",
  "1e999",
  "99999999999999999999",
  "__proto__",
  "../",
  "~",
  "|",
  "[".repeat(deep),
  "x".repeat(70_000),
];

/** Texts of which words are others, missing, or there twice. */
export function nearlyText(samples: readonly string[], words: readonly string[] = []): fc.Arbitrary<Buffer> {
  const word = fc.oneof(fc.constantFrom(...wrongWords, ...moreWords, ...words), fc.string({ maxLength: 8 }));
  const change = fc.tuple(fc.constantFrom("put", "over", "drop", "repeat", "cut"), place, fc.nat(40), word);
  const changed = fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 })).map(([sample, changes]) => {
    return changes.reduce((text, [kind, at, length, word]) => {
      const start = text.length === 0 ? 0 : at % text.length;
      const [before, part, after] = [
        text.slice(0, start),
        text.slice(start, start + length),
        text.slice(start + length),
      ];
      if (kind === "put") return before + word + part + after;
      if (kind === "over") return before + word + after;
      if (kind === "drop") return before + after;
      if (kind === "cut") return before;
      return before + part.repeat(50) + after;
    }, sample);
  });
  return fc.oneof(
    { arbitrary: changed.map((text) => Buffer.from(text)), weight: 8 },
    { arbitrary: changed.chain((text) => nearlyBytes([Buffer.from(text)])), weight: 1 },
    { arbitrary: anyBytes, weight: 1 },
  );
}

export const anyBytes: fc.Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 200, size: "max" })
  .map((bytes) => Buffer.from(bytes));

/** Bytes of which a few are others, missing, or there twice. */
export function nearlyBytes(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const bytes = fc.oneof(
    anyBytes,
    fc.constantFrom(0, 0xff, 0x7f, 0x80).map((byte) => Buffer.alloc(8, byte)),
  );
  const change = fc.tuple(fc.constantFrom("over", "put", "drop", "cut"), fc.nat(), bytes);
  return fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 })).map(([sample, changes]) =>
    changes.reduce((whole, [kind, at, piece]) => {
      const start = whole.length === 0 ? 0 : at % whole.length;
      const [before, after] = [whole.subarray(0, start), whole.subarray(start + (kind === "put" ? 0 : piece.length))];
      return Buffer.concat(kind === "cut" ? [before] : kind === "drop" ? [before, after] : [before, piece, after]);
    }, sample),
  );
}
