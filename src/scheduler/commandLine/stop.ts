import { ask } from "../control/dealer";
import { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { findScheduler, shutDown } from "./launch";
import { exitCodes, type Program } from "./program";

export interface StopOptions {
  gently: boolean;
  /** Ends the scheduler instead, and lets the jobs go on. */
  shutDown: boolean;
}

/** Stops a run's jobs, or its scheduler. */
export async function stop(
  directory: RunDirectory,
  { gently, shutDown: endsScheduler }: StopOptions,
  program: Program,
): Promise<number> {
  const address = await findScheduler(directory);
  if (!address) {
    throw new AdaptiveError(
      "no-scheduler",
      `No scheduler serves the run in ${directory.path}.`,
      "Jobs that still run end by themselves; adaptive-scheduler serve finds them again.",
    );
  }
  if (endsScheduler) await shutDown(directory, address);
  else await ask(address, "stopJobs", { gently });
  program.print(
    endsScheduler
      ? "The scheduler has ended; jobs go on."
      : "The jobs save their learners and end. Start again to resume.",
  );
  return exitCodes.success;
}
