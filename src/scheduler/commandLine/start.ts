import { ask } from "../control/dealer";
import type { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";
import { studyAt, updateBeforeStart } from "./update";

/**
 * Sets a run's jobs going, with its study as it is now and a scheduler that outlives this command.
 *
 * @param accept agrees to what became of learners in an edited learners file
 */
export async function start(directory: RunDirectory, accept: boolean, program: Program): Promise<number> {
  await directory.readRunFile();
  const address = await findOrStartScheduler(directory, program);
  const remark = await updateBeforeStart(studyAt(address), accept, program);
  if (remark) program.print(remark);
  await ask(address, "startJobs", {});
  program.print("The jobs are being submitted; adaptive-scheduler status tells how far they are.");
  return exitCodes.success;
}
