import { applyEdits, modify } from "jsonc-parser";
import type { Proposal } from "../scheduler/control/proposal";
import { inWords } from "../scheduler/control/proposal";
import type { TriedLearner } from "../scheduler/control/protocol";
import type { LearnerRow, RunRow } from "../scheduler/state/rows";
import { settingsOf, walltimeSeconds } from "../scheduler/state/settings";
import { trialOf, type Trial } from "../scheduler/state/trial";
import { plural } from "../scheduler/state/counts";
import { learnerLabel, sentence } from "./format";
import { inStudy } from "./ownFiles";

/** A job tries no more learners than these. */
export const maxTried = 16;

/** What trying points gave, for a message. */
export function trialWords(trials: readonly TriedLearner[], proposal: Proposal | null): string {
  const failed = trials.filter(({ trial }) => trial.error !== null);
  const [first] = failed;
  if (first) {
    const others = failed.length - 1;
    const more = others === 0 ? "" : ` ${plural(others, "other learner")} failed too.`;
    return `${learnerLabel(first)}: ${sentence(first.trial.error ?? "")}${more}`;
  }
  const seconds = trials.map(({ trial }) => trial.seconds);
  const megabytes = Math.max(...trials.map(({ trial }) => trial.megabytes));
  const cost = `${range(seconds)}, ${Math.round(megabytes)} MB`;
  const tried = trials.length === 1 ? "The point" : `One point of each of ${plural(trials.length, "learner")}`;
  return [`${tried} took ${cost}.`, ...(proposal ? [...proposal.reasons, proposalWords(proposal)] : [])].join(" ");
}

const proposalWords = ({ cores, walltime }: Proposal): string =>
  `Proposed for each job: ${plural(cores, "core")}, walltime ${walltime}.`;

/** Whether a run asks for something else than is proposed. */
export function isNews({ cores, walltime }: Proposal, run: Pick<RunRow, "settings">): boolean {
  const { resources } = settingsOf(run);
  const now = resources.walltime === null ? null : walltimeSeconds(resources.walltime);
  return resources.cores !== cores || now !== walltimeSeconds(walltime);
}

/** A study file with a proposal written into it, everything else as it was. */
export function withProposal(studyFile: string, { cores, walltime }: Pick<Proposal, "cores" | "walltime">): string {
  const formattingOptions = formattingOf(studyFile);
  const set = (text: string, name: string, value: unknown) =>
    applyEdits(text, modify(text, ["resources", name], value, { formattingOptions }));
  return set(set(studyFile.trim() === "" ? "{}\n" : studyFile, "cores", cores), "walltime", walltime);
}

function formattingOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return { insertSpaces: !indent.startsWith("\t"), tabSize: indent.length, eol: text.includes("\r\n") ? "\r\n" : "\n" };
}

/**
 * The tracebacks of trials that failed, each once, with the learners it is of.
 * @param folder of the study on this computer
 */
export function tracebacksOf(trials: readonly TriedLearner[], folder: string): string {
  const learnersOf = new Map<string, string[]>();
  for (const learner of trials) {
    const { error, traceback } = learner.trial;
    if (error === null) continue;
    const text = inStudy(traceback ?? error, folder).trimEnd();
    learnersOf.set(text, [...(learnersOf.get(text) ?? []), `# ${learnerLabel(learner)}: ${error}`]);
  }
  return [...learnersOf].map(([text, learners]) => `${learners.join("\n")}\n${text}\n`).join("\n");
}

/** What trying a point of a learner gave, while nothing has happened to it since; null otherwise. */
export function freshTrial(learner: Pick<LearnerRow, "trial" | "changedAt" | "state">): Trial | null {
  const trial = trialOf(learner);
  const isOver = learner.state === "done" || learner.state === "running";
  return trial && !isOver && trial.at >= learner.changedAt ? trial : null;
}

/** A trial in a line: `f(0.5) = 1.2, 20 ms, 35 MB`. */
export function trialLine({ point, value, seconds, megabytes, error }: Trial): string {
  if (error !== null) return error;
  return `f(${point}) = ${value ?? ""}, ${inWords(seconds)}, ${Math.round(megabytes)} MB`;
}

function range(seconds: readonly number[]): string {
  const [least, most] = [inWords(Math.min(...seconds)), inWords(Math.max(...seconds))];
  return least === most ? most : `${least} to ${most}`;
}
