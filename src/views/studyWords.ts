/** What a person reads and is asked when a study was edited or its goal raised. */
import {
  describeComparison,
  type EditedParts,
  removesMany,
  type StudyComparison,
} from "../scheduler/control/studyComparison";
import type { LearnerId } from "../scheduler/state/rows";
import { formatCount, plural } from "../scheduler/state/counts";

/** What is said of an edited study, and the command that takes the edit in. */
export interface EditNotice {
  line: string;
  command: "updateRun" | "startJobs";
}

/** @param isStarted whether the run's jobs were ever started */
export function editNotice(
  { code, settings }: EditedParts,
  { isStarted, runningJobs }: { isStarted: boolean; runningJobs: number },
): EditNotice | null {
  if (!code && !settings) return null;
  const what = code ? `The study ${settings ? "and adaptive.json were" : "was"}` : "adaptive.json was";
  const since = isStarted ? "these jobs were started" : "this run was made";
  const effect = runningJobs > 0 && code ? "Running jobs keep their code" : "Start Jobs takes that in";
  return { line: `${what} edited since ${since}. ${effect}.`, command: code ? "updateRun" : "startJobs" };
}

/** Asked in a dialog that also offers to cancel. */
export interface Question {
  message: string;
  detail: string;
  /** The words on the buttons. */
  choices: readonly string[];
}

export const update = "Update";
const keepOldCode = "Keep Old Code";
export const continueThose = "Continue Those";
const leaveThemDone = "Leave Them Done";

/** @param mayKeep whether there is something to do without the update too */
export function updateQuestion(
  { counts }: Pick<StudyComparison, "counts">,
  { mayKeep, runningJobs }: { mayKeep: boolean; runningJobs: number },
): Question {
  const sentences = [
    removesMany(counts) && "That is more than a tenth of its learners.",
    counts.changed > 0 && "Changed learners that are done go on.",
    runningJobs > 0 && "Running jobs keep their code; later ones have the new.",
  ].filter((sentence) => sentence !== false);
  return {
    message: `The study was edited: ${describeComparison(counts)}. Update the run?`,
    detail: sentences.join(" "),
    choices: mayKeep ? [update, keepOldCode] : [update],
  };
}

interface DoneLearners {
  done: number;
  missed: readonly LearnerId[];
  /** Of these only the learners themselves can tell, when they are started. */
  unknown: readonly LearnerId[];
}

/**
 * Which done learners are to go on, or null when that is no question.
 * @param isNew whether the goal is another than before; else those of which nobody can tell are left alone
 */
export function goalQuestion(
  { done, missed, unknown }: DoneLearners,
  isNew: boolean,
): { question: Question; learners: LearnerId[] } | null {
  const asked = isNew ? unknown : [];
  const learners = [...missed, ...asked];
  if (learners.length === 0) return null;
  const verb = missed.length === 1 ? "misses" : "miss";
  const message =
    missed.length > 0
      ? `${formatCount(missed.length)} of ${plural(done, "done learner")} ${verb} the goal. Continue those?`
      : `${plural(asked.length, "done learner")} may miss the new goal. Continue those?`;
  const detail =
    asked.length > 0
      ? `Whether ${missed.length > 0 ? `${plural(asked.length, "other")} ${asked.length === 1 ? "meets" : "meet"}` : "they meet"} it shows when they are started; those that do are done again at once.`
      : "";
  return { question: { message, detail, choices: [continueThose, leaveThemDone] }, learners };
}
