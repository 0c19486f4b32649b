import { programError, runCommand } from "../launch";
import type { Program } from "../program";
import type { Host } from "./install";

/**
 * Runs a command of the program on a host.
 * @param parse what it prints
 * @throws AdaptiveError the program's own, when it failed
 */
export function callProgram<T>(
  { transport, clock, signal }: Omit<Host, "place">,
  { argv, env }: Program,
  args: readonly string[],
  deadlineMs: number,
  parse: (stdout: string) => T,
): Promise<T> {
  return runCommand(
    transport,
    {
      argv: [...argv, ...args, "--json"],
      env,
      parse: (output) => {
        if (output.code !== 0) throw programError(output);
        return parse(output.stdout);
      },
    },
    { clock, signal, deadlineMs },
  );
}
