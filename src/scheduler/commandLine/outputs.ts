import type { EventEmitter } from "node:events";
import { errnoOf, isDiskFull, toAdaptiveError } from "../state/errors";

type Output = EventEmitter & { isTTY?: boolean; write: (text: string) => boolean };

/** Whether all that was printed has gone where it should. */
export interface Outputs {
  readonly areWhole: boolean;
}

/**
 * Whoever reads what is printed may end first, as `head` does, its terminal be closed, or its disk full: that ends
 * the printing, never the command and what it serves.
 *
 * @returns `areWhole` is false when a file lacks something: one that nobody reads any more lacks nothing
 */
export function guardOutputs(stdout: Output, stderr: Output): Outputs {
  const outputs = { areWhole: true };
  // There is nowhere to say it.
  stderr.on("error", () => undefined);
  stdout.on("error", (error) => {
    if (errnoOf(error) === "EPIPE" || stdout.isTTY || !outputs.areWhole) return;
    outputs.areWhole = false;
    const why = isDiskFull(error) ? "its disk is full" : toAdaptiveError(error).message;
    stderr.write(`adaptive-scheduler: Standard output cannot be written (${why}): part of what is printed is lost.\n`);
  });
  return outputs;
}
