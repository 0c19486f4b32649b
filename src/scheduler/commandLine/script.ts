import { basename, resolve } from "node:path";
import { jobScript } from "../jobs/jobScript";
import { resourcesOf } from "../state/classes";
import { AdaptiveError } from "../state/errors";
import { defaultClass } from "../state/rows";
import { settingsOf, type ResourceClass } from "../state/settings";
import { clientFolderOf } from "../study/code";
import { configurationOf } from "../study/settings";
import { exitCodes, type Program } from "./program";
import type { NextStart } from "./runRow";

/**
 * Prints the script of the jobs that the next start would submit.
 * @param name of a resource class; without one that of the learners which are in none, and how those of the others differ
 */
export async function script(
  { options, directory, row }: NextStart,
  name: string | null,
  json: boolean,
  program: Program,
): Promise<number> {
  const learnersFile = resolve(options.learnersFile);
  const settings = settingsOf(await configurationOf(options, row));
  const names = [defaultClass, ...settings.classes.map(({ name }) => name)];
  if (name !== null && !names.includes(name)) {
    throw new AdaptiveError("no-class", `There is no class "${name}".`, `There is ${names.join(", ")}.`);
  }
  const client = await clientFolderOf(program.assets.folder, directory);
  const scriptOf = (resourceClass: string) =>
    jobScript({
      runDirectory: directory.path,
      client,
      state: directory.own,
      jobs: directory.jobs,
      learnersFile: row?.learnersFile ?? basename(learnersFile),
      resourceClass,
      tries: null,
      settings: { ...settings, resources: resourcesOf(settings, resourceClass) },
    });
  const base = scriptOf(name ?? defaultClass);
  const others = name === null ? settings.classes.flatMap((one) => differenceOf(one, base, scriptOf(one.name))) : [];
  const text = [base.trimEnd(), ...others, ""].join("\n");
  if (json) program.printJson({ script: text });
  else program.print(text.trimEnd());
  return exitCodes.success;
}

/** As comments, below another class's script. */
function differenceOf({ name, where }: ResourceClass, base: string, script: string): string[] {
  const known = new Set(base.split("\n"));
  const lines = script.split("\n").filter((line) => !known.has(line));
  return ["", `# Learners of the class ${name} (${where}) have jobs with`, ...lines.map((line) => `#   ${line}`)];
}
