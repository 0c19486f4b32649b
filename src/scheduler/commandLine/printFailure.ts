import { toAdaptiveError } from "../state/errors";

/** Says why a command failed: with --json in its last line for a program that reads us, else for a person. */
export function printFailure(args: readonly string[], error: unknown): void {
  const { code, message, hint } = toAdaptiveError(error);
  if (args.includes("--json")) process.stdout.write(`${JSON.stringify({ error: { code, message, hint } })}\n`);
  else process.stderr.write(`adaptive-scheduler: ${message}\n${hint ? `  ${hint}\n` : ""}`);
}
