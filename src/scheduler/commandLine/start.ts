import { ask } from "../control/dealer";
import type { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/** Sets a run's jobs going, with a scheduler that outlives this command. */
export async function start(directory: RunDirectory, program: Program): Promise<number> {
  await ask(await findOrStartScheduler(directory, program), "startJobs", {});
  program.print("The jobs are being submitted; adaptive-scheduler status tells how far they are.");
  return exitCodes.success;
}
