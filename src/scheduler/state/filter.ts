/**
 * The language in which learners are looked for, in the editor and on the command line:
 * `offset>0.5 width=0.1`, `name="it's"`, `state=failed`, `method~rk`, `some text`. All conditions
 * have to hold. A quoted name is always a parameter, also where a column is called the same.
 */
import { AdaptiveError } from "./errors";
import { nearest } from "./nearest";
import { shownDigits } from "./parameters";
import { learnerStates, type LearnerRow } from "./rows";

/** `~` is "contains", in either case of its letters. */
export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~";

export type Field = { kind: "column"; name: FilterColumn } | ParameterField;
/** `anything` is the learner's parameters and file names as one text. */
export type ParameterField = { kind: "parameter"; name: string } | { kind: "anything" };

/** What a field is compared with. */
export interface Literal {
  /** The texts that are equal to it. */
  texts: readonly [string, ...string[]];
  /** Null for what is quoted, or no number. */
  number: number | null;
  /** Whether it has more digits than numbers are shown with. */
  isExact: boolean;
}

export interface Condition {
  field: Field;
  operator: Operator;
  value: Literal;
  /** Where it stands, in characters. */
  at: number;
}

/** One that says the same of a learner for as long as the learners file does. */
export type ParameterCondition = Condition & { field: ParameterField };

/** All of these hold; none is all learners. */
export type Filter = readonly Condition[];

/** The columns of a learner that can be named, with how their values compare. */
export const filterColumns = {
  id: { column: "id", isNumber: true },
  state: { column: "state", isNumber: false },
  npoints: { column: "npoints", isNumber: true },
  loss: { column: "loss", isNumber: true },
  failures: { column: "failures", isNumber: true },
  class: { column: "resourceClass", isNumber: false },
  type: { column: "type", isNumber: false },
  fname: { column: "fname", isNumber: false },
  job: { column: "lastJobId", isNumber: false },
  error: { column: "error", isNumber: false },
  reason: { column: "reason", isNumber: false },
  remark: { column: "remark", isNumber: false },
} as const satisfies Record<string, { column: keyof LearnerRow; isNumber: boolean }>;
export type FilterColumn = keyof typeof filterColumns;

/** Each is looked at for every learner. */
const maxConditions = 100;

/** @throws AdaptiveError `bad-filter` that says where the text is wrong */
export function parseFilter(text: string): Filter {
  const conditions: Condition[] = [];
  const reader = new Reader(text);
  for (reader.skipSpace(); !reader.isAtEnd; reader.skipSpace()) {
    if (conditions.length === maxConditions) throw badFilter(reader.at, `it has more than ${maxConditions} conditions`);
    conditions.push(conditionAt(reader));
  }
  return conditions;
}

/**
 * The filter of a resource class.
 * @throws AdaptiveError `bad-filter` when it asks for nothing, or for something that changes during a run
 */
export function parseClassFilter(text: string): readonly ParameterCondition[] {
  const filter = parseFilter(text);
  if (filter.length === 0) throw badFilter(0, "it names no parameter");
  return filter.map((condition) => {
    const { field, at } = condition;
    if (field.kind !== "column") return { ...condition, field };
    throw badFilter(at, `${field.name} is no parameter; one that is called so goes into quotes, ${quote(field.name)}`);
  });
}

/**
 * @param parameters those that the learners have
 * @throws AdaptiveError `bad-filter` when the filter names one that none has
 */
export function checkNames(filter: Filter, parameters: readonly string[]): void {
  for (const { field, at } of filter) {
    if (field.kind !== "parameter" || parameters.includes(field.name)) continue;
    const columns = Object.keys(filterColumns);
    const meant = nearest(field.name, [...parameters, ...columns]);
    throw badFilter(
      at,
      `no learner has a parameter ${nameWord(field.name)}`,
      `${meant === null ? "" : `Did you mean ${columns.includes(meant) ? meant : nameWord(meant)}? `}There is ${listed(parameters)}; and of each learner ${columns.join(", ")}. Text to look for goes into quotes.`,
    );
  }
}

/** A text as a filter has to quote it, whatever is in it. */
export function quote(text: string): string {
  return JSON.stringify(text);
}

/** A parameter's name as it is written in a filter. */
export function nameWord(name: string): string {
  return bareName.exec(name)?.[0] === name && !Object.hasOwn(filterColumns, name) ? name : quote(name);
}

const maxListed = 20;

function listed(parameters: readonly string[]): string {
  if (parameters.length === 0) return "no parameter";
  const words = parameters.slice(0, maxListed).map(nameWord).join(", ");
  return parameters.length > maxListed ? `${words} and ${parameters.length - maxListed} more` : words;
}

const bareName = /^(?!["'])(?:[^\s=<>~!]|!(?![=~]))+/;
const bareValue = /^(?!["'])\S+/;
const operatorSign = /^\s*(!=|!~|<=|>=|==?|<|>|~)\s*/;
const numberWord = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
/** Python's words, which the combo has in JSON's. */
const jsonWords: Readonly<Record<string, string>> = { True: "true", False: "false", None: "null" };

function conditionAt(reader: Reader): Condition {
  const { at } = reader;
  const name = reader.word(bareName);
  if (name === null) throw badFilter(at, `a name is missing before "${reader.rest(2).trim()}"`);
  const sign = reader.take(operatorSign)?.[1];
  if (sign === undefined) {
    reader.expectBreak(at);
    return { field: { kind: "anything" }, operator: "~", value: literal(name.text, true), at };
  }
  const value = reader.word(bareValue);
  if (value === null) throw badFilter(reader.at, `a value is missing behind "${sign}"`);
  reader.expectBreak(at);
  const field: Field =
    !name.isQuoted && isColumn(name.text)
      ? { kind: "column", name: name.text }
      : { kind: "parameter", name: name.text };
  const operator = sign === "==" ? "=" : (sign as Operator);
  const condition = { field, operator, value: literal(value.text, value.isQuoted), at };
  checkTypes(condition);
  return condition;
}

const isColumn = (name: string): name is FilterColumn => Object.hasOwn(filterColumns, name);

function literal(text: string, isQuoted: boolean): Literal {
  const json = isQuoted || !Object.hasOwn(jsonWords, text) ? undefined : jsonWords[text];
  const isNumber = !isQuoted && numberWord.test(text);
  return {
    texts: json === undefined ? [text] : [text, json],
    number: isNumber ? Number(text) : null,
    isExact: isNumber && digitsOf(text) > shownDigits,
  };
}

function digitsOf(number: string): number {
  return number
    .replace(/e.*$/i, "")
    .replace(/^[+-]?[0.]*/, "")
    .replace(".", "").length;
}

function checkTypes({ field, operator, value, at }: Condition): void {
  const isOrder = /[<>]/.test(operator);
  const [text] = value.texts;
  const column = field.kind === "column" ? field.name : null;
  if (column !== null && !filterColumns[column].isNumber) {
    if (isOrder) throw badFilter(at, `${column} is no number: it can be compared with =, !=, ~ and !~`);
    if (column === "state" && /=/.test(operator)) checkState(text, at);
    return;
  }
  if (column !== null && /~/.test(operator)) {
    throw badFilter(at, `${column} is a number: it can be compared with =, !=, <, <=, > and >=`);
  }
  if (value.number === null && (isOrder || column !== null)) {
    throw badFilter(at, `"${operator}" needs a number here, and ${quote(text)} is none`);
  }
}

function checkState(text: string, at: number): void {
  if ((learnerStates as readonly string[]).includes(text)) return;
  const meant = nearest(text, learnerStates);
  const question = meant === null ? "" : `Did you mean ${meant}? `;
  throw badFilter(at, `there is no state ${quote(text)}`, `${question}States are ${learnerStates.join(", ")}.`);
}

function badFilter(at: number, what: string, hint = ""): AdaptiveError {
  return new AdaptiveError("bad-filter", `Filter, character ${at + 1}: ${what}.`, hint);
}

class Reader {
  at = 0;

  constructor(private readonly text: string) {}

  get isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  rest(length?: number): string {
    return this.text.slice(this.at, length === undefined ? undefined : this.at + length);
  }

  skipSpace(): void {
    this.take(/^\s*/);
  }

  take(pattern: RegExp): RegExpExecArray | null {
    const match = pattern.exec(this.rest());
    this.at += match?.[0].length ?? 0;
    return match;
  }

  /** What stands here, in quotes or bare; null when nothing does. */
  word(bare: RegExp): { text: string; isQuoted: boolean } | null {
    const { at } = this;
    const single = this.take(/^'([^']*)'/)?.[1];
    if (single !== undefined) return { text: single, isQuoted: true };
    const double = this.take(/^"(?:[^"\\]|\\[^])*"/)?.[0];
    if (double !== undefined) return { text: unquoted(double, at), isQuoted: true };
    const sign = /^["']/.exec(this.rest())?.[0];
    if (sign !== undefined) throw badFilter(at, `the quote ${sign} is not closed`);
    const text = this.take(bare)?.[0];
    return text === undefined ? null : { text, isQuoted: false };
  }

  /** @param start of the condition that ends here */
  expectBreak(start: number): void {
    if (this.isAtEnd || /^\s/.test(this.rest())) return;
    throw badFilter(this.at, `a space is missing behind ${this.text.slice(start, this.at)}`);
  }
}

/** Of a text in double quotes, in which a backslash means what it means in JSON. */
function unquoted(text: string, at: number): string {
  try {
    // What JSON wants escaped may stand here as it is.
    return JSON.parse(text.replace(/\p{Cc}/gu, (sign) => JSON.stringify(sign).slice(1, -1))) as string;
  } catch (error) {
    throw new AdaptiveError(
      "bad-filter",
      `Filter, character ${at + 1}: ${text} has a backslash that means nothing.`,
      'Write \\\\ for a backslash and \\" for a quote, or use single quotes.',
      { cause: error },
    );
  }
}
