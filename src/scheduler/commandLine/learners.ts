import { ask } from "../control/dealer";
import { inRequests, statesFor } from "../control/learnerVerbs";
import type { Params } from "../control/protocol";
import { plural } from "../state/counts";
import { shellQuote } from "../jobs/quote";
import { AdaptiveError } from "../state/errors";
import { parseFilter } from "../state/filter";
import type { Activity } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { withScheduler } from "./launch";
import { exitCodes, type Program } from "./program";
import { questionsTo } from "./questions";
import { studyAt, updateBeforeStart } from "./update";

const verbs = {
  retry: { method: "retryLearners", name: "retry", done: "set to waiting again" },
  "stop-learner": { method: "stopLearners", name: "stop", done: "stopped; what runs is saved first" },
  reopen: { method: "reopenLearners", name: "reopen", done: "opened again" },
} as const;
export type LearnerVerb = keyof typeof verbs;

/** Which learners are meant. */
export interface Chosen {
  /** Ids, or patterns of file names with `*` and `?`; none for all. */
  names: readonly string[];
  /** A filter that they match besides; all do when it is empty. */
  where: string;
}

/** Retries, stops or reopens learners. */
export async function changeLearners(
  verb: LearnerVerb,
  directory: RunDirectory,
  { names, where }: Chosen,
  { accept, json }: { accept: boolean; json: boolean },
  program: Program,
): Promise<number> {
  const { method, name } = verbs[verb];
  const filter = parseFilter(where);
  if (verb === "stop-learner" && names.length === 0 && filter.length === 0) {
    throw new AdaptiveError(
      "usage",
      "stop-learner needs to know which learners.",
      "Name ids or file names, '*' is all, or filter: --where 'offset>0.5'.",
    );
  }
  const { learners, moved, activity } = await withScheduler(directory, program, async (address) => {
    if (verb !== "stop-learner") {
      // Who retries has usually just corrected the code.
      const remark = await updateBeforeStart(studyAt(address), accept, program);
      if (remark && !json) program.print(remark);
    }
    const wanted: Params<"findLearners"> = { names: [...names], states: [...statesFor[name]], where };
    const { learners } = await ask(address, "findLearners", wanted);
    let moved = 0;
    for (const some of inRequests(learners)) moved += (await ask(address, method, { learners: some })).moved;
    const { run } = await ask(address, "status", {});
    return { learners, moved, activity: run.activity };
  });
  if (json) program.printJson({ learners, moved });
  else program.print(wordsOnChange(verb, moved, { names, where }, activity, directory.own));
  return exitCodes.success;
}

/** What became of learners, and what has to be done for it to have any effect. */
export function wordsOnChange(
  verb: LearnerVerb,
  moved: number,
  { names, where }: Chosen,
  activity: Activity,
  directory: string,
): string {
  const { name, done } = verbs[verb];
  if (moved === 0) {
    const which = names.length > 0 || where !== "" ? "none of the learners that are meant" : "no learner";
    return `Nothing to ${name}: ${which} is ${statesFor[name].join(" or ")}.`;
  }
  const words = `${plural(moved, "learner")} ${done}.`;
  if (verb === "stop-learner" || activity === "active") return words;
  return `${words} The run is ${activity}: nothing runs until adaptive-scheduler start ${shellQuote(directory)}`;
}

/** Lists how learners failed, or tells all of one. */
export async function failures(
  directory: RunDirectory,
  { names: [name], where }: Chosen,
  json: boolean,
  program: Program,
): Promise<number> {
  parseFilter(where);
  const run = await questionsTo(directory, program);
  if (name === undefined) {
    const { learners } = await run.failedLearners({ where });
    if (json) program.printJson({ learners });
    else if (learners.length === 0)
      program.print(where === "" ? "No learner has failed." : `No learner that matches ${where} has failed.`);
    for (const { id, fname, failures, state, error, remark } of json ? [] : learners) {
      const failed = failures > 0 || error !== null ? `, failed ${failures}×: ${error ?? ""}` : "";
      program.print(`${String(id).padStart(6)}  ${fname}  ${state}${failed}${remark === null ? "" : `; ${remark}`}`);
    }
    return exitCodes.success;
  }
  const { learners } = await run.findLearners({ names: [name], states: [], where });
  const [learner] = learners;
  const failure = learner === undefined ? null : await run.failure({ learner });
  if (!failure) {
    throw new AdaptiveError("no-failure", `No failure of ${name} is kept.`, "See adaptive-scheduler failures RUN.");
  }
  if (json) program.printJson(failure);
  else {
    const { job, at, error, traceback, output, earlier } = failure;
    const parts = [
      `${error}\njob ${job}, ${new Date(at).toLocaleString()}`,
      traceback,
      output && `It printed:\n${output}`,
      earlier && `Before that, in job ${earlier.job}, ${new Date(earlier.at).toLocaleString()}: ${earlier.error}`,
      earlier?.traceback,
    ];
    program.print(parts.filter(Boolean).join("\n\n").trimEnd());
  }
  return exitCodes.success;
}
