import { toAdaptiveError } from "../../scheduler/state/errors";
import { redact, type Secrets } from "./redact";
import { plural } from "../../scheduler/state/counts";

/** A part of the report. */
export interface Section {
  title: string;
  read: () => Promise<string>;
}

const maxLines = 400;

/**
 * What somebody who helps needs to know, as Markdown, for a person to read before they pass it on. A part that cannot
 * be read says why and keeps nobody from reading the rest.
 */
export async function writeDiagnostics(sections: readonly Section[], secrets: Secrets): Promise<string> {
  const parts = await Promise.all(
    sections.map(async ({ title, read }) => {
      const text = await read().catch((error: unknown) => `cannot be read: ${toAdaptiveError(error).message}`);
      return `## ${title}\n\n${fenced(lastLines(redact(text, secrets)))}\n`;
    }),
  );
  const head =
    "# Adaptive diagnostics\n\nNames of people and machines, addresses and keys are replaced. Read it through before you pass it on.\n";
  return [head, ...parts].join("\n");
}

function lastLines(text: string): string {
  const lines = text.trimEnd().split("\n");
  const left = lines.slice(-maxLines);
  return left.length === lines.length
    ? left.join("\n")
    : `… ${plural(lines.length - left.length, "line")}\n${left.join("\n")}`;
}

/** In a fence longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
