import { createScanner } from "jsonc-parser";

/** No setting is as deep; what parses or prints JSON goes down as far, and thousands of levels would be its end. */
const maxLevels = 100;

export const tooDeepWords = `it is nested more than ${maxLevels} levels deep`;

/** Where a text with JSON becomes too deep, in characters; null where it does not. */
export function tooDeepAt(text: string): number | null {
  const scanner = createScanner(text, true);
  let level = 0;
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const sign = text.charAt(scanner.getTokenOffset());
    if (sign === "{" || sign === "[") level++;
    if (sign === "}" || sign === "]") level--;
    if (level > maxLevels) return scanner.getTokenOffset();
  }
  return null;
}

/** Whether a value that was read is too deep. */
export function isTooDeep(value: unknown): boolean {
  let values: unknown[] = [value];
  for (let level = 0; level <= maxLevels && values.length > 0; level++) {
    values = values.flatMap((one) =>
      typeof one === "object" && one !== null ? (Object.values(one) as unknown[]) : [],
    );
  }
  return values.length > 0;
}
