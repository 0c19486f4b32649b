/** A learner's parameters, as people see them, look for them and export them. */

/** A value by which a learner is found. */
export interface Comparable {
  /** As it is shown, but whole. */
  text: string;
  /** Null for what is no number. */
  number: number | null;
  /** The number as it is shown. */
  shown: number | null;
}

/**
 * The parameters in a learner's combo.
 * @param combo a JSON object; anything else has no parameters
 */
export function entriesOf(combo: string): [name: string, value: unknown][] {
  try {
    const value: unknown = JSON.parse(combo);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  } catch {
    return [];
  }
}

/** The names of all parameters, in the order in which they appear. */
export function parameterNames(combos: Iterable<string>): string[] {
  const names = new Set<string>();
  for (const combo of combos) for (const [name] of entriesOf(combo)) names.add(name);
  return [...names];
}

export function comparable(value: unknown): Comparable {
  const number = typeof value === "number" ? value : null;
  return { text: textOf(value), number, shown: number === null ? null : shownNumber(number) };
}

/** A value in words; what JSON has no word for comes in Python's. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(shownNumber(value));
  const plain = inPython(value);
  return typeof plain === "string" ? plain : JSON.stringify(plain, (_, part: unknown) => inPython(part));
}

/** Six digits are shown of what is no integer: of 0.1 + 0.2 nobody wants to see more. */
export function shownNumber(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(shownDigits));
}

export const shownDigits = 6;

function inPython(value: unknown): unknown {
  return typeof value === "object" && value !== null && "$repr" in value ? String(value.$repr) : value;
}
