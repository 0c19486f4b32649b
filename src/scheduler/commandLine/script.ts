import { basename, resolve } from "node:path";
import { jobScript } from "../jobs/jobScript";
import { settingsOf } from "../state/settings";
import { clientFolderOf } from "../study/code";
import { configurationOf } from "../study/settings";
import { exitCodes, type Program } from "./program";
import type { NextStart } from "./runRow";

/** Prints the script of the jobs that the next start would submit. */
export async function script({ options, directory, row }: NextStart, json: boolean, program: Program): Promise<number> {
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
