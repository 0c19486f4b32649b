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
  if (endsScheduler) {
    if (!(await shutDown(directory))) throw noScheduler(directory, "Jobs go on; adaptive-scheduler stop stops them.");
    program.print("The scheduler has ended; jobs go on.");
    return exitCodes.success;
  }
  const hasJobs = await withScheduler(directory, program, async (address) => {
    const { jobs } = await ask(address, "listJobs", {});
    await ask(address, "stopJobs", { gently });
    return jobs.length > 0;
  });
  const said = hasJobs ? "The jobs save their learners and end." : "There are no jobs, and none is submitted.";
  program.print(`${said} Start again to resume.`);
  return exitCodes.success;
}
