import { ask, type Address } from "../control/dealer";
import { compareDeadlineMs } from "../control/protocol";
import { describeComparison, removesMany, type StudyComparison, updatedLine } from "../control/studyComparison";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { findOrStartScheduler } from "./launch";
import { exitCodes, type Program } from "./program";
import { questionsTo } from "./questions";

export interface UpdateOptions {
  /** Agrees to learners that go or become others. */
  accept: boolean;
  /** Only says what an update would do. */
  dryRun: boolean;
  json: boolean;
}

/** Brings a run in line with its edited study. */
export async function update(directory: RunDirectory, options: UpdateOptions, program: Program): Promise<number> {
  if (options.dryRun) {
    const comparison = await (await questionsTo(directory, program)).compareStudy({});
    if (options.json) program.printJson({ edited: comparison !== null, ...comparison });
    else program.print(comparison ? `The study was edited: ${describeComparison(comparison.counts)}.` : unedited);
    return exitCodes.success;
  }
  await directory.readRunFile();
  const address = await findOrStartScheduler(directory, program);
  const done = await updateStudy(studyAt(address), options.accept, program);
  const { running: runningJobs = 0 } = (await ask(address, "status", {})).jobs;
  if (options.json) program.printJson({ edited: done !== null, ...done });
  else program.print(done ? updatedLine(done, runningJobs) : unedited);
  return exitCodes.success;
}

const unedited = "The run has the study as it is.";

/** What can be asked of a run's study, here or through a scheduler. */
export interface EditedStudy {
  compare(): Promise<StudyComparison | null>;
  update(revision: string): Promise<unknown>;
}

/** The study of a run, through its scheduler. */
export function studyAt(address: Address): EditedStudy {
  return {
    compare: () => ask(address, "compareStudy", {}, compareDeadlineMs),
    update: (revision) => ask(address, "updateStudy", { revision }),
  };
}

/**
 * Brings a run in line with its study, if that was edited and nobody has anything against it.
 *
 * @returns what was done, or null when the study was not edited
 * @throws AdaptiveError `study-changed` when somebody must agree first
 */
export async function updateStudy(
  study: EditedStudy,
  accept: boolean,
  program: Program,
): Promise<StudyComparison | null> {
  const comparison = await study.compare();
  if (!comparison) return null;
  if (comparison.needsConsent && !accept) {
    const { counts } = comparison;
    const many = removesMany(counts) ? " That is more than a tenth of its learners." : "";
    const question = `The study was edited: ${describeComparison(counts)}.${many}`;
    if (!(await program.confirm(`${question} Go on with it as it is now?`))) {
      throw new AdaptiveError("study-changed", question, "Add --accept to go on with it, or undo the edit.");
    }
  }
  await study.update(comparison.revision);
  return comparison;
}

/** The same for a run that is about to go on: a study that cannot be read is no reason not to. */
export async function updateBeforeStart(study: EditedStudy, accept: boolean, program: Program): Promise<string | null> {
  try {
    const done = await updateStudy(study, accept, program);
    return done && `The study was edited: ${describeComparison(done.counts)}.`;
  } catch (error) {
    const { code, message } = toAdaptiveError(error);
    if (code === "study-changed") throw error;
    return `The study as it is now cannot be used, so the run goes on with the code it has. ${message}`;
  }
}
