import { isDeepStrictEqual } from "node:util";
import { ask } from "../control/dealer";
import { valueIn } from "../state/layers";
import { RunDirectory } from "../state/runDirectory";
import { settingNames, settingsOf, type Settings } from "../state/settings";
import { valueWords } from "../state/settingWords";
import { remarksOnCode } from "../study/code";
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
  const changed = resumed ? await configure(found, options, ifCopied, program) : [];
  const warnings: string[] = [];
  const directory = resumed
    ? found
    : await createRun(options, program.assets, Date.now, (warning) => warnings.push(warning));
  warnings.push(...(await remarksOnCode(directory.path)));
  const { runId } = await directory.readRunFile();
  const news = changed.length > 0 ? `from now on it goes by: ${changed.join(", ")}` : "it goes by what it went by";
  if (json) program.printJson({ run: directory.own, runId, resumed, warnings });
  else {
    const made = resumed
      ? `There is a run in ${directory.path} already; ${news}.`
      : `Made the run in ${directory.path}`;
    [made, ...warnings].forEach(program.print);
  }
  return exitCodes.success;
}

/** @returns what holds now and did not before, in words */
async function configure(
  directory: RunDirectory,
  options: StartOptions,
  ifCopied: CopyWish,
  program: Program,
): Promise<string[]> {
  // What is wrong in a file starts no scheduler.
  await readSources(options, null);
  const address = await findOrStartScheduler(directory, program, { ifCopied });
  const { run } = await ask(address, "status", {});
  const configuration = await configurationOf(options, run);
  await ask(address, "configure", configuration);
  return changedWords(settingsOf(run), settingsOf(configuration));
}

/** The settings that are others now, each with its value. */
export function changedWords(before: Settings, now: Settings): string[] {
  return settingNames
    .filter((name) => !isDeepStrictEqual(valueIn(before, name), valueIn(now, name)))
    .map((name) => `${name} ${valueWords(name, valueIn(now, name))}`);
}
