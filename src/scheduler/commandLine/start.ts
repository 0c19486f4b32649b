import { ask } from "../control/dealer";
import { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/** Sets a run's jobs going, with a scheduler that outlives this command. */
export async function start(path: string, program: Program): Promise<number> {
  const directory = new RunDirectory(path);
  await directory.readRunFile();
  await ask(await findOrStartScheduler(directory, program), "startJobs", {});
  program.print("The jobs are being submitted; adaptive-scheduler status tells how far they are.");
  return exitCodes.success;
}
