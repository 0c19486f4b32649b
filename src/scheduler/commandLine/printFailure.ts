import { needsPython } from "../control/foundPythons";
import { toAdaptiveError } from "../state/errors";

/** Says why a command failed: with --json in its last line for a program that reads us, else for a person. */
export function printFailure(args: readonly string[], error: unknown): void {
  const { code, message, hint, command } = toAdaptiveError(error);
  if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { code, message, hint, command } })}\n`);
  else
    process.stderr.write(
      `adaptive-scheduler: ${message}\n${inTerminal(code, hint)
        .map((line) => `  ${line}\n`)
        .join("")}`,
    );
}

function inTerminal(code: string, hint: string): string[] {
  return [...(hint ? [hint] : []), ...(needsPython(code) ? [otherPythons] : [])];
}

const otherPythons =
  "Or name another one with --python PATH: adaptive-scheduler pythons lists those here, adaptive-scheduler environment makes one.";
