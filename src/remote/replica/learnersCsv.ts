import { entriesOf, textOf } from "../../scheduler/state/parameters";
import type { LearnerRow } from "../../scheduler/state/rows";

/** What is written of a learner behind its parameters. */
const columns = ["state", "npoints", "loss", "failures", "error"] as const satisfies (keyof LearnerRow)[];

/** The first line of a table of learners, by RFC 4180. */
export function csvHeader(parameters: readonly string[]): string {
  return line(["id", "fname", ...parameters, ...columns]);
}

export function csvLine(row: LearnerRow, parameters: readonly string[]): string {
  const values = new Map(entriesOf(row.combo));
  return line([row.id, row.fname, ...parameters.map((name) => values.get(name)), ...columns.map((name) => row[name])]);
}

function line(values: readonly unknown[]): string {
  return `${values.map(cell).join(",")}\r\n`;
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  // Numbers with all their digits.
  const text = typeof value === "number" ? String(value) : inert(textOf(value));
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Text that no spreadsheet takes for a formula: a host has said it, and a formula can start programs. */
function inert(text: string): string {
  return /^\s*[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
}
