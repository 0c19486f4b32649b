import {
  type Condition,
  type Filter,
  filterColumns,
  type Literal,
  type ParameterCondition,
  type ParameterField,
} from "./filter";
import { comparable, type Comparable, entriesOf, textOf } from "./parameters";
import type { LearnerRow } from "./rows";

/** Whether a learner is one that a filter is for. */
export function matches(filter: Filter): (row: LearnerRow) => boolean {
  const hasParameters = filter.some(({ field }) => field.kind !== "column");
  return (row) => {
    const entries = hasParameters ? entriesOf(row.combo) : [];
    return filter.every((condition) => {
      const { field } = condition;
      const value =
        field.kind === "column"
          ? columnValue(row[filterColumns[field.name].column])
          : valueOf(field, row.fname, entries);
      return holds(condition, value);
    });
  };
}

/** Whether a learner's parameters are those that conditions are for. */
export function matchesParameters(
  conditions: readonly ParameterCondition[],
): (learner: Pick<LearnerRow, "fname" | "combo">) => boolean {
  return ({ fname, combo }) => {
    const entries = entriesOf(combo);
    return conditions.every((condition) => holds(condition, valueOf(condition.field, fname, entries)));
  };
}

/** What of a learner's parameters a condition is about; null when it has no such parameter. */
export function valueOf(field: ParameterField, fname: string, entries: Entries): Comparable | null {
  if (field.kind === "anything") {
    const words = entries.map(([name, value]) => `${name}=${textOf(value)}`);
    return comparable([...words, fname].join("\n"));
  }
  const found = entries.find(([name]) => name === field.name);
  return found === undefined ? null : comparable(found[1]);
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

function columnValue(value: string | number | null): Comparable | null {
  if (value === null) return null;
  // A column is compared as it is, however it is shown.
  return typeof value === "number" ? { text: "", number: value, shown: value } : comparable(value);
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
