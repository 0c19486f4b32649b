import { ask, type Address } from "../control/dealer";
import { inWords } from "../control/proposal";
import type { Results, TriedLearner } from "../control/protocol";
import { AdaptiveError } from "../state/errors";
import { parseFilter } from "../state/filter";
import { RunDirectory } from "../state/runDirectory";
import { createRun } from "../study/createRun";
import { configurationOf, type StartOptions } from "../study/settings";
import type { Chosen } from "./learners";
import { withScheduler } from "./launch";
import { exitCodes, type Program } from "./program";
import { studyAt, updateBeforeStart } from "./update";

/** A point may take hours. */
const trialDeadlineMs = 24 * 3_600_000;
const maxTried = 16;

export interface TryOptions extends StartOptions {
  /** None for some that are well apart. */
  chosen: Chosen;
  accept: boolean;
  json: boolean;
}

/** Has a job evaluate one point of some learners and shows what it gave and cost; starts nothing else. */
export async function tryPoints(options: TryOptions, program: Program): Promise<number> {
  parseFilter(options.chosen.where);
  const found = RunDirectory.ofStudy(options.learnersFile);
  const isThere = await found.hasRun();
  const warn = (warning: string) => (options.json ? undefined : program.print(warning));
  const directory = isThere ? found : await createRun(options, program.assets, Date.now, warn);
  return withScheduler(directory, program, async (address) => {
    if (isThere) {
      const { run } = await ask(address, "status", {});
      await ask(address, "configure", await configurationOf(options, run));
      const remark = await updateBeforeStart(studyAt(address), options.accept, program);
      if (remark && !options.json) program.print(remark);
    }
    const learners = await findLearners(address, options.chosen);
    const result = await ask(address, "tryLearners", { learners }, trialDeadlineMs);
    if (options.json) program.printJson(result);
    else program.print(describe(result));
    return result.trials.some(({ trial }) => trial.error !== null) ? exitCodes.learnersFailed : exitCodes.success;
  });
}

async function findLearners(address: Address, { names, where }: Chosen): Promise<number[]> {
  if (names.length === 0 && where === "") return [];
  const { learners } = await ask(address, "findLearners", { names: [...names], states: [], where });
  if (learners.length > 0) return learners.slice(0, maxTried);
  throw new AdaptiveError(
    "no-learner",
    `The study has no learner ${[names.join(" or "), where].filter(Boolean).join(" with ")}.`,
    "Name an id, or a file name of the learners file; * and ? match.",
  );
}

function describe({ trials, proposal }: Results["tryLearners"]): string {
  const good = trials.filter(({ trial }) => trial.error === null);
  const width = Math.max(0, ...good.map(({ fname }) => fname.length));
  const lines = good.map(({ fname, trial: { point, value, seconds, megabytes } }) => {
    const cost = `${inWords(seconds).padStart(8)}  ${megabytes.toFixed(0).padStart(6)} MB`;
    return `${fname.padEnd(width)}  ${cost}   f(${point}) = ${value ?? ""}`;
  });
  const failed = trials.filter(({ trial }) => trial.error !== null).map(describeFailure);
  return [...lines, ...failed, ...(proposal ? ["", ...describeProposal(proposal)] : [])].join("\n");
}

function describeFailure({ fname, trial: { error, traceback, job } }: TriedLearner): string {
  const words = traceback ?? `What its job printed is in .adaptive/jobs/${job}.out.`;
  return `${fname}  failed: ${error ?? ""}\n${words.trimEnd().replace(/^/gm, "    ")}`;
}

function describeProposal({ cores, walltime, reasons }: NonNullable<Results["tryLearners"]["proposal"]>): string[] {
  return [...reasons, `Proposed for adaptive.json: "resources": {"cores": ${cores}, "walltime": "${walltime}"}`];
}
