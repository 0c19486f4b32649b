import { ask } from "../control/dealer";
import type { RunDirectory } from "../state/runDirectory";
import { noScheduler, shutDown, withScheduler } from "./launch";
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
  if (!endsScheduler) await withScheduler(directory, program, (address) => ask(address, "stopJobs", { gently }));
  else if (!(await shutDown(directory)))
    throw noScheduler(directory, "Jobs go on; adaptive-scheduler stop stops them.");
  program.print(
    endsScheduler
      ? "The scheduler has ended; jobs go on."
      : "The jobs save their learners and end. Start again to resume.",
  );
  return exitCodes.success;
}
