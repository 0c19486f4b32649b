import { type Condition, type Filter, filterColumns, type Literal } from "./filter";
import { comparable, type Comparable, entriesOf, textOf } from "./parameters";
import type { LearnerRow } from "./rows";

/** Whether a learner is one that a filter is for. */
export function matches(filter: Filter): (row: LearnerRow) => boolean {
  // Reading the parameters takes longer than all else.
  const ofColumns = filter.filter(({ field }) => field.kind === "column");
  const ofParameters = filter.filter(({ field }) => field.kind !== "column");
  return (row) => {
    if (!ofColumns.every((condition) => holds(condition, columnOf(row, condition)))) return false;
    if (ofParameters.length === 0) return true;
    const entries = entriesOf(row.combo);
    return ofParameters.every((condition) => holds(condition, valueOf(row, entries, condition)));
  };
}

/** A learner's parameters and file names as one text, in which words are looked for. */
export function anythingOf({ fname }: Pick<LearnerRow, "fname">, entries: Entries): string {
  return [...entries.map(([name, value]) => `${name}=${textOf(value)}`), fname].join("\n");
}

/** As texts are compared by `~`: in either case, and however an accent was typed. */
export function fold(text: string): string {
  return text.normalize("NFC").toLowerCase();
}

/** With which number of a learner's a literal is compared: one of few digits with what is shown. */
export function comparedNumber({ isExact }: Literal): "number" | "shown" {
  return isExact ? "number" : "shown";
}

type Entries = readonly (readonly [name: string, value: unknown])[];

function columnOf(row: LearnerRow, { field }: Condition): Comparable | null {
  const value = field.kind === "column" ? row[filterColumns[field.name].column] : null;
  if (value === null) return null;
  // A column is compared as it is, however it is shown.
  return typeof value === "number" ? { text: "", number: value, shown: value } : comparable(value);
}

function valueOf(row: LearnerRow, entries: Entries, { field }: Condition): Comparable | null {
  if (field.kind === "anything") return comparable(anythingOf(row, entries));
  const found = field.kind === "parameter" ? entries.find(([name]) => name === field.name) : undefined;
  return found === undefined ? null : comparable(found[1]);
}

function holds({ operator, value }: Condition, actual: Comparable | null): boolean {
  switch (operator) {
    case "=":
      return actual !== null && isEqual(actual, value);
    case "!=":
      return actual === null || !isEqual(actual, value);
    case "~":
      return actual !== null && contains(actual, value);
    case "!~":
      return actual === null || !contains(actual, value);
    case "<":
    case "<=":
    case ">":
    case ">=": {
      const number = actual?.[comparedNumber(value)] ?? null;
      return number !== null && value.number !== null && isInOrder(number, operator, value.number);
    }
  }
}

function isEqual(actual: Comparable, value: Literal): boolean {
  const number = actual[comparedNumber(value)];
  return value.number !== null && number !== null ? number === value.number : value.texts.includes(actual.text);
}

function contains(actual: Comparable, { texts: [text] }: Literal): boolean {
  return fold(actual.text).includes(fold(text));
}

function isInOrder(a: number, operator: "<" | "<=" | ">" | ">=", b: number): boolean {
  switch (operator) {
    case "<":
      return a < b;
    case "<=":
      return a <= b;
    case ">":
      return a > b;
    case ">=":
      return a >= b;
  }
}
