import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plain } from "../../../src/views/plain";

/** As the editor finds links in notifications, and icons in labels (vs/base/common/linkedText.ts, iconLabels.ts). */
const link = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
const icon = /(\\)?\$\(([A-Za-z0-9-]+(?:~[A-Za-z]+)?)\)/;

/** What is seen of a text. */
const seen = (text: string): string => text.replace(/\u2060/g, "");

test.each([
  "See [the log](command:workbench.action.terminal.sendSequence?%7B%22text%22:%22rm%22%7D).",
  '[help](https://evil.example "a title") [x](file:///etc/passwd)',
  "[[x](command:a)](command:b)",
  "$(check) all is well $(sync~spin)",
  "\\$(check) $$(alert)",
])("%s is shown as it is", (text) => {
  expect(`${text}`).toMatch(link.test(text) ? link : icon);
  expect(plain(text)).not.toMatch(link);
  expect(plain(text)).not.toMatch(icon);
  expect(seen(plain(text))).toBe(text);
});

test("what is written to a screen cannot control it, and has an end", () => {
  expect(plain("a\x1b[2J\x1b]0;title\x07b\u202egnp\r\nnext\tline\u2028")).toBe("a[2J]0;titlebgnp\nnext\tline");
  expect(plain("x".repeat(100_000))).toHaveLength(2000);
  expect(plain("é in [brackets] (and others), 5 $ (or more)")).toBe("é in [brackets] (and others), 5 $ (or more)");
});

test("nothing that anybody writes becomes a link, an icon or a control character", () => {
  const piece = fc.constantFrom(
    "[",
    "]",
    "(",
    ")",
    "$",
    "x",
    "command:",
    "https://",
    "~spin",
    "\u2060",
    "\x1b",
    "\u202e",
  );
  const text = fc.array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 30 });
  fc.assert(
    fc.property(text, (pieces) => {
      const shown = plain(pieces.join(""));
      expect(shown).not.toMatch(link);
      expect(shown).not.toMatch(icon);
      expect(shown).not.toMatch(/[^\P{Cc}\n\t]/u);
      expect(plain(shown)).toBe(shown);
    }),
    { numRuns: 2000 },
  );
});
