import { AdaptiveError } from "../state/errors";
import { handful } from "../state/handful";
import type { Model } from "../state/model";
import { notStartedYet, pausedByPerson, tryClass, type JobId, type JobRow } from "../state/rows";
import { hiddenModule, hiddenWords } from "./hiddenModule";
import type { JobFiles } from "./jobFiles";
import { plural } from "../state/counts";

/** Of the output of a job that died: read for the cause, and shown. */
const readBytes = 16 * 1024;
const shownBytes = 2000;

/** What a job prints before the words that say why it cannot run: the cause, for a person and for us. */
export function lastWord(cause: keyof typeof hints): string {
  return `adaptive-scheduler: ${cause}:`;
}

/** What to do about each cause, before the jobs are started again. */
const hints = {
  "no-python": "Choose another Python (Adaptive: Choose Python…, or --python PATH)",
  "no-launcher": "Have the prelude load MPI, or set launcher or executor to one that needs none",
  "no-code": "Start the run's scheduler, which puts back what was deleted, or update the run",
  prelude: "Correct the setting prelude",
  "learners-file": "Have the learners file read in a job as it is read outside of one; its prelude may lack something",
} as const;

const updateHint =
  "Bring the run in line with the study (Update Run, or adaptive-scheduler update) and start the jobs again. File names must come out the same on every machine and at any time.";

/** Codes of what `explainPause` gives. */
export const pauseCodes: ReadonlySet<string> = new Set([
  "jobs-die-at-once",
  "jobs-without-python",
  "learners-changed",
  "run-paused",
]);

/** Why a run has paused by itself, in words for a person; null when it has not. */
export async function explainPause(model: Model, files: Pick<JobFiles, "tail">): Promise<AdaptiveError | null> {
  const { activity, reason, deathsBeforeStart, mismatches } = model.run;
  if (activity !== "paused") return null;
  if (mismatches >= handful) return new AdaptiveError("learners-changed", reason ?? "", updateHint);
  if (deathsBeforeStart < handful) {
    const isWished = reason === null || reason === notStartedYet || reason === pausedByPerson;
    return isWished ? null : new AdaptiveError("run-paused", reason, "Correct the cause, then start the jobs again.");
  }
  const last = lastDeath(model.jobs.values());
  const output = last ? (await files.tail(last.jobId, readBytes)).text : "";
  const how = last ?? { exitCode: null, ending: null, reason: null };
  return explainDeaths(deathsBeforeStart, how, output, hiddenModule(output, model.run.directory));
}

/**
 * @param last of the jobs
 * @param output of it, or the end of that
 * @param hidden the file of the study that hides a module which they need
 */
export function explainDeaths(
  deaths: number,
  last: Pick<JobRow, "exitCode" | "ending" | "reason">,
  output: string,
  hidden: ReturnType<typeof hiddenModule> = null,
): AdaptiveError {
  const {
    cause,
    hint,
    code = "jobs-die-at-once",
  } = hidden ? { code: undefined, ...hiddenWords(hidden) } : causeOf(last, output);
  const text = output.trim();
  const end = text.length > shownBytes ? text.slice(text.indexOf("\n", text.length - shownBytes) + 1) : text;
  return new AdaptiveError(
    code,
    `The last ${plural(deaths, "job")} ended before they asked for a learner, so no more are submitted: ${cause}.\n` +
      (end ? `The last one printed:\n${end}` : "The last one printed nothing."),
    `${hint}; then start the jobs again.`,
  );
}

function causeOf(
  { exitCode, ending, reason }: Pick<JobRow, "exitCode" | "ending" | "reason">,
  output: string,
): { cause: string; hint: string; code?: string } {
  for (const [, word = "", words = ""] of [...output.matchAll(/^adaptive-scheduler: ([a-z-]+): (.*)$/gm)].reverse()) {
    if (!Object.hasOwn(hints, word)) continue;
    const known = { cause: asInStudy(words), hint: hints[word as keyof typeof hints] };
    return word === "no-python" ? { ...known, code: "jobs-without-python" } : known;
  }
  const [raised] = [...output.matchAll(/^(?:\w+\.)*\w*(?:Error|Exception)\b.*$/gm)].at(-1) ?? [];
  if (raised !== undefined) return { cause: asInStudy(raised), hint: "Correct the cause" };
  if (exitCode === 0) {
    return {
      cause: "what they run ends without an error and without asking",
      hint: "Have the script call client_support.get_learner, or see what ends Python",
    };
  }
  if (exitCode !== null) return { cause: `they ended with exit code ${exitCode}`, hint: "Correct the cause" };
  // The queue's own words.
  if (ending !== "lost" && reason !== null) return { cause: `the last one ${reason}`, hint: hintOn(reason) };
  return { cause: "they were killed", hint: "Correct the cause" };
}

function hintOn(reason: string): string {
  return reason.includes("working folder")
    ? 'Have the run where compute nodes can read and write ("runRoot" in the setting adaptive.clusters)'
    : "Correct the cause";
}

/** Names the files of a code revision as the study has them, without the full stop of a sentence. */
function asInStudy(words: string): string {
  return words.replace(/\/\.adaptive[^/]*\/code\/[0-9a-f]+(?=\/)/g, "").replace(/\.$/, "");
}

/**
 * Jobs of a class that ended one after the other without having asked for a learner, since the run was
 * started last.
 *
 * @param gone those that have just ended
 */
export function deathsInARow(model: Model, resourceClass: string, gone: Pick<ReadonlySet<JobId>, "has">): number {
  let deaths = 0;
  for (const job of model.jobs.values()) {
    if (job.resourceClass !== resourceClass || job.cancelledAt !== null) continue;
    const hasEnded = job.state === "ended" ? (job.endedAt ?? 0) >= model.run.activityAt : gone.has(job.jobId);
    if (job.hasAsked) deaths = 0;
    else if (hasEnded) deaths++;
  }
  return deaths;
}

function lastDeath(jobs: Iterable<JobRow>): JobRow | undefined {
  let last: JobRow | undefined;
  for (const job of jobs) {
    const isDeath = job.state === "ended" && !job.hasAsked && job.cancelledAt === null;
    if (isDeath && job.resourceClass !== tryClass) last = job;
  }
  return last;
}
