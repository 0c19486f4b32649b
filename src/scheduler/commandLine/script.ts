import { basename, resolve } from "node:path";
import { jobScript } from "../jobs/jobScript";
import type { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { clientFolderOf } from "../study/code";
import { configurationOf, type StartOptions } from "../study/settings";
import { exitCodes, type Program } from "./program";
import { readRunRow } from "./runRow";

/** Prints the script of the jobs that the next start would submit. */
export async function script(
  options: StartOptions,
  directory: RunDirectory,
  json: boolean,
  program: Program,
): Promise<number> {
  const row = (await directory.hasRun()) ? await readRunRow(directory, program) : null;
  const learnersFile = resolve(options.learnersFile);
  const text = jobScript({
    runDirectory: directory.path,
    client: await clientFolderOf(program.assets.folder, directory),
    state: directory.own,
    jobs: directory.jobs,
    learnersFile: row?.learnersFile ?? basename(learnersFile),
    resourceClass: "default",
    tries: null,
    settings: settingsOf(await configurationOf(options, row)),
  });
  if (json) program.printJson({ script: text });
  else program.print(text.trimEnd());
  return exitCodes.success;
}
