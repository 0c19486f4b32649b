import { ask } from "../control/dealer";
import { RunDirectory } from "../state/runDirectory";
import { createRun } from "../study/createRun";
import type { CopyWish } from "../study/place";
import { configurationOf, readSources, type StartOptions } from "../study/settings";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";

/** Makes the run of a study; for a run that exists, the settings of now hold from here on. */
export async function init(
  options: StartOptions,
  ifCopied: CopyWish,
  json: boolean,
  program: Program,
): Promise<number> {
  const found = RunDirectory.ofStudy(options.learnersFile);
  const resumed = await found.hasRun();
  if (resumed) await configure(found, options, ifCopied, program);
  const warnings: string[] = [];
  const directory = resumed
    ? found
    : await createRun(options, program.assets, Date.now, (warning) => warnings.push(warning));
  const { runId } = await directory.readRunFile();
  if (json) program.printJson({ run: directory.own, runId, resumed, warnings });
  else [`${resumed ? "There is a run" : "Made the run"} in ${directory.path}`, ...warnings].forEach(program.print);
  return exitCodes.success;
}

async function configure(
  directory: RunDirectory,
  options: StartOptions,
  ifCopied: CopyWish,
  program: Program,
): Promise<void> {
  // What is wrong in a file starts no scheduler.
  await readSources(options, null);
  const address = await findOrStartScheduler(directory, program, ifCopied);
  const { run } = await ask(address, "status", {});
  await ask(address, "configure", await configurationOf(options, run));
}
