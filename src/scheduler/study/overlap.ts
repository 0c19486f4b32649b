import { resolve } from "node:path";
import { AdaptiveError } from "../state/errors";
import { readModel } from "../state/recovery";
import type { LearnerRow } from "../state/rows";
import { RunDirectory } from "../state/runDirectory";
import { dataframeFormats, settingsOf, type DataframeFormat } from "../state/settings";

type Named = Pick<LearnerRow, "fname" | "type">;

/**
 * Two runs in one folder must not write the same data files.
 *
 * @throws AdaptiveError `data-overlaps` naming the file and the other run
 */
export async function checkNoOverlap(
  directory: RunDirectory,
  learners: Iterable<Named>,
  dataframe: DataframeFormat | null,
  wasm: Uint8Array,
): Promise<void> {
  const others = (await RunDirectory.allIn(directory.path, "database.sqlite")).filter(
    ({ own }) => own !== directory.own,
  );
  if (others.length === 0) return;
  const ours = new Set(dataFiles(directory, learners).flatMap(writtenWith(dataframe)));
  for (const other of others) {
    const model = await readModel(other, wasm);
    const theirs = [...model.learners.values()].filter(({ state }) => state !== "removed");
    const written = dataFiles(other, theirs).flatMap(writtenWith(settingsOf(model.run).dataframe));
    const shared = written.find((file) => ours.has(file));
    if (shared === undefined) continue;
    throw new AdaptiveError(
      "data-overlaps",
      `${shared} is a data file of the run ${model.run.name} in the same folder, which learns from ${model.run.learnersFile}.`,
      "Give the learners other file names, or delete the other run: adaptive-scheduler delete.",
    );
  }
}

/**
 * The data frame of a learner must not be written over the data of another.
 *
 * @throws AdaptiveError `dataframe-overlaps` naming both
 */
export function checkNoDataframeIsData(learners: Iterable<Named>, dataframe: DataframeFormat | null): void {
  if (dataframe === null) return;
  const names = [...learners].flatMap(namesOf);
  const all = new Set(names);
  const name = names.find((name) => all.has(`${name}.${dataframe}`));
  if (name === undefined) return;
  throw new AdaptiveError(
    "dataframe-overlaps",
    `The data frame of ${name} would be written to ${name}.${dataframe}, which is a data file of a learner.`,
    "Give one of them another file name, or set dataframe to another format or to null.",
  );
}

/** Absolute paths of the learners' data files. */
export function dataFiles(directory: RunDirectory, learners: Iterable<Named>): string[] {
  return [...learners].flatMap(namesOf).map((name) => resolve(directory.path, name));
}

/** A data file, and the data frame of any format that may lie beside it. */
export function withDataframes(file: string): string[] {
  return [file, ...dataframeFormats.map((format) => `${file}.${format}`)];
}

function writtenWith(dataframe: DataframeFormat | null): (file: string) => string[] {
  return (file) => (dataframe === null ? [file] : [file, `${file}.${dataframe}`]);
}

function namesOf({ fname, type }: Named): string[] {
  return type.startsWith("BalancingLearner") ? (JSON.parse(fname) as string[]) : [fname];
}
