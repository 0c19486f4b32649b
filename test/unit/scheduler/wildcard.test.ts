import fc from "fast-check";
import { expect, test } from "vitest";
import { wildcard } from "../../../src/scheduler/state/wildcard";

/** The meaning, by trying all ways. */
function fits(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const [first] = pattern;
  const rest = pattern.slice(1);
  if (first === "*") return fits(rest, text) || (text !== "" && fits(pattern, text.slice(1)));
  return text !== "" && (first === "?" || first === text[0]) && fits(rest, text.slice(1));
}

test("a pattern fits what it means", () => {
  const short = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), maxLength: 8 });
  fc.assert(
    fc.property(short("ab.*?"), short("ab.*"), (pattern, text) => {
      expect(wildcard(pattern).test(text)).toBe(fits(pattern, text));
    }),
    { numRuns: 2000 },
  );
});

test("thirty * are no more than many letters", () => {
  const text = "a".repeat(2000);
  expect(wildcard(`${"a*".repeat(30)}b`).test(text)).toBe(false);
  expect(wildcard("*a".repeat(1000)).test(text)).toBe(true);
});
