import { ask } from "../control/dealer";
import type { RunDirectory } from "../state/runDirectory";
import { needScheduler, noScheduler, shutDown } from "./launch";
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
  const hint = "Jobs that still run end by themselves; adaptive-scheduler serve finds them again.";
  if (!endsScheduler) await ask(await needScheduler(directory, hint), "stopJobs", { gently });
  else if (!(await shutDown(directory))) throw noScheduler(directory, hint);
  program.print(
    endsScheduler
      ? "The scheduler has ended; jobs go on."
      : "The jobs save their learners and end. Start again to resume.",
  );
  return exitCodes.success;
}
