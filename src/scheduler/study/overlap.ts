import { resolve } from "node:path";
import { AdaptiveError } from "../state/errors";
import { recover } from "../state/recovery";
import type { LearnerRow } from "../state/rows";
import { RunDirectory } from "../state/runDirectory";
import { dataframeFormats } from "../state/settings";

type Named = Pick<LearnerRow, "fname" | "type">;

/**
 * Two runs in one folder must not write the same data files.
 *
 * @throws AdaptiveError `data-overlaps` naming the file and the other run
 */
export async function checkNoOverlap(
  directory: RunDirectory,
  learners: Iterable<Named>,
  wasm: Uint8Array,
): Promise<void> {
  const others = (await RunDirectory.allIn(directory.path, "database.sqlite")).filter(
    ({ own }) => own !== directory.own,
  );
  if (others.length === 0) return;
  const ours = new Set(dataFiles(directory, learners));
  for (const other of others) {
    const { model, database } = await recover(other, wasm);
    database.close();
    const theirs = [...model.learners.values()].filter(({ state }) => state !== "removed");
    const shared = dataFiles(other, theirs).find((file) => ours.has(file));
    if (shared === undefined) continue;
    throw new AdaptiveError(
      "data-overlaps",
      `${shared} is a data file of the run ${model.run.name} in the same folder, which learns from ${model.run.learnersFile}.`,
      "Give the learners other file names, or delete the other run: adaptive-scheduler delete.",
    );
  }
}

/** Absolute paths of the learners' data files. */
export function dataFiles(directory: RunDirectory, learners: Iterable<Named>): string[] {
  return [...learners]
    .flatMap(({ fname, type }) => (type.startsWith("BalancingLearner") ? (JSON.parse(fname) as string[]) : [fname]))
    .map((name) => resolve(directory.path, name));
}

/** A data file, and the data frame of any format that may lie beside it. */
export function withDataframes(file: string): string[] {
  return [file, ...dataframeFormats.map((format) => `${file}.${format}`)];
}
