import { dirname } from "node:path";
import type { Memento } from "vscode";
import * as v from "valibot";
import type { Proposal } from "../scheduler/control/proposal";
import type { TriedLearner } from "../scheduler/control/protocol";
import type { RunRow } from "../scheduler/state/rows";
import { placeInStudy } from "./ownFiles";
import { isNews, tracebacksOf, trialWords } from "./trialModel";

/** What may be done next, as a value: it outlives the window. */
const stepSchema = v.variant("kind", [
  v.object({ kind: v.literal("startJobs") }),
  v.object({
    kind: v.literal("useProposal"),
    learnersFile: v.string(),
    proposal: v.object({ cores: v.number(), walltime: v.string() }),
  }),
  v.object({ kind: v.literal("showOutput"), job: v.string() }),
  v.object({ kind: v.literal("showTraceback"), name: v.string(), text: v.string() }),
  v.object({ kind: v.literal("goToLine"), file: v.string(), line: v.number() }),
]);
export type TrialStep = v.InferOutput<typeof stepSchema>;

/** What trying points of a run gave last, and what may be done with it. */
const outcomeSchema = v.object({
  words: v.string(),
  hasFailed: v.boolean(),
  /** When the last of the points was tried, in milliseconds since the epoch. */
  at: v.number(),
  steps: v.array(stepSchema),
});
export type TrialOutcome = v.InferOutput<typeof outcomeSchema>;

/** The words on a step's button. */
export function stepLabel(step: TrialStep): string {
  switch (step.kind) {
    case "startJobs":
      return "Start Jobs";
    case "useProposal":
      return "Use Proposal";
    case "showOutput":
      return "Show Output";
    case "showTraceback":
      return "Show Traceback";
    case "goToLine":
      return `Go to Line ${step.line}`;
  }
}

/** @param run as it is after the trial */
export function trialOutcome(
  study: { name: string; learnersFile: string },
  trials: readonly TriedLearner[],
  proposal: Proposal | null,
  run: Pick<RunRow, "activity" | "settings">,
): TrialOutcome {
  const failed = trials.filter(({ trial }) => trial.error !== null);
  return {
    words: trialWords(trials, proposal),
    hasFailed: failed.length > 0,
    at: Math.max(...trials.map(({ trial }) => trial.at)),
    steps: failed.length > 0 ? stepsOfFailed(study, failed) : stepsOfGood(study, proposal, run),
  };
}

function stepsOfFailed(
  { name, learnersFile }: { name: string; learnersFile: string },
  failed: readonly TriedLearner[],
): TrialStep[] {
  const [first] = failed;
  if (first === undefined) return [];
  const folder = dirname(learnersFile);
  const { job, traceback } = first.trial;
  const place = placeInStudy(traceback, folder);
  return [
    traceback === null
      ? { kind: "showOutput", job }
      : { kind: "showTraceback", name: `${name} traceback.log`, text: tracebacksOf(failed, folder) },
    ...(place ? [{ kind: "goToLine", ...place } as const] : []),
  ];
}

function stepsOfGood(
  { learnersFile }: { learnersFile: string },
  proposal: Proposal | null,
  run: Pick<RunRow, "activity" | "settings">,
): TrialStep[] {
  return [
    ...(run.activity === "active" ? [] : [{ kind: "startJobs" } as const]),
    ...(proposal && isNews(proposal, run) ? [{ kind: "useProposal", learnersFile, proposal } as const] : []),
  ];
}

/** What trying points gave in each run of the workspace, kept when its window closes or loads anew. */
export class TrialOutcomes {
  constructor(private readonly memory: Pick<Memento, "get" | "update">) {}

  /** @param directory of the run */
  of(directory: string): TrialOutcome | null {
    const kept = v.safeParse(outcomeSchema, this.memory.get(keyOf(directory)));
    return kept.success ? kept.output : null;
  }

  /** @param outcome null to forget the one there is */
  async keep(directory: string, outcome: TrialOutcome | null): Promise<void> {
    await this.memory.update(keyOf(directory), outcome ?? undefined);
  }
}

const keyOf = (directory: string): string => `adaptive.tried/${directory}`;
