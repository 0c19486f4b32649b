import { relative } from "node:path";
import type { ConfigEntry, ConfigReport } from "../control/configReport";
import { valueIn, type Origin, type Origins } from "../state/layers";
import { valueWords } from "../state/settingWords";
import { settingNames, settingsOf, type Configuration } from "../state/settings";
import { conflictOf, readSources, valuesWithPlaces, type Sources } from "../study/settings";
import { exitCodes, type Program } from "./program";
import type { NextStart } from "./runRow";

/**
 * Says every setting of a study with its value and where that comes from; of a run, what holds now,
 * and what would hold at its next start where that differs.
 */
export async function config({ options, directory, row }: NextStart, json: boolean, program: Program): Promise<number> {
  const report = reportOn(await readSources(options, row), row && directory.path, row);
  if (json) program.printJson(report);
  else program.print(describe(report));
  return exitCodes.success;
}

function reportOn(sources: Sources, run: string | null, row: Configuration | null): ConfigReport {
  const settings = row && settingsOf(row);
  const origins = row && (JSON.parse(row.origins) as Origins);
  return {
    run,
    studyFile: sources.studyFile.name,
    problem: conflictOf(sources)?.message ?? null,
    settings: settingNames.map((name) => ({
      name,
      now: settings && origins && { value: valueIn(settings, name), origin: origins[name] ?? "default" },
      next: valuesWithPlaces(sources, name),
    })),
  };
}

function describe({ run, problem, settings }: ConfigReport): string {
  return [
    run ? `The run in ${run} goes by` : "A run of this study would go by",
    ...aligned(settings.map(rowOf)).map((line) => `  ${line}`),
    ...(problem ? [`It would not start: ${problem}`] : []),
  ].join("\n");
}

function rowOf({ name, now, next: [next] }: ConfigEntry): string[] {
  const nextWords = next ? [valueWords(name, next.value), placeWords(next)] : [];
  if (!now) return [name, ...nextWords];
  const isSame = JSON.stringify(now.value) === JSON.stringify(next?.value);
  if (isSame && now.origin === next?.origin) return [name, ...nextWords];
  const later = isSame ? [] : [`from the next start on: ${nextWords.join(", ")}`];
  return [name, valueWords(name, now.value), originWords[now.origin], ...later];
}

const originWords = { typed: "typed", study: "adaptive.json", profile: "profile", default: "default" } as const;

function placeWords({ origin, where }: { origin: Origin; where: string }): string {
  return origin === "study" ? relative(process.cwd(), where) : originWords[origin];
}

/** Lines whose cells begin in the same columns. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
