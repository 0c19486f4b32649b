import type { Cluster } from "../clusters/cluster";
import { okayAnswer } from "../state/changes";
import { resourcesOf } from "../state/classes";
import { AdaptiveError } from "../state/errors";
import type { Model } from "../state/model";
import { defaultClass, tryClass, type JobRow, type LearnerId, type SubmissionRow } from "../state/rows";
import { settingsOf, type Resources, type Settings } from "../state/settings";
import type { Circumstances } from "./circumstances";

/** A job that runs for so long without asking for a learner is mute. */
export const muteMs = 600_000;

/** What more jobs may take. */
export interface Room {
  jobs: number;
  /** Infinite where the queue sees to it. */
  cores: number;
}

export type Limits = Pick<Circumstances, "settings" | "sharedCores">;

/** Where the queue does not share out cores, the budget does; and no more jobs are there than can be connected. */
export function limitsOf(settings: Settings, { isExact }: Pick<Cluster, "isExact">, maxConnections: number): Limits {
  const maxJobs = Math.min(settings.maxJobs, maxConnections);
  return { settings: { ...settings, maxJobs }, sharedCores: isExact ? settings.budget : null };
}

/** What is left beside jobs of these classes; less than nothing when they are too many. */
export function roomBeside(classes: readonly string[], { settings, sharedCores }: Limits): Room {
  return {
    jobs: settings.maxJobs - classes.length,
    cores:
      sharedCores === null
        ? Infinity
        : classes.reduce((left, name) => left - resourcesOf(settings, name).cores, sharedCores),
  };
}

/** The class by which a job has its resources: that of the learners, where it only tries some. */
export function classOf(
  model: Model,
  { resourceClass, submission }: Pick<JobRow, "resourceClass" | "submission">,
): string {
  if (resourceClass !== tryClass) return resourceClass;
  const { tries = null } = model.submissions.get(submission) ?? {};
  return classTried(model, triesOf({ tries }));
}

/** Of learners that one job tries; all of them have the same. */
export function classTried(model: Model, [first]: readonly LearnerId[]): string {
  return (first === undefined ? null : model.learners.get(first)?.resourceClass) ?? defaultClass;
}

export const triesOf = ({ tries }: Pick<SubmissionRow, "tries">): LearnerId[] =>
  JSON.parse(tries ?? "[]") as LearnerId[];

/** More jobs that try points crowd out others, and would be as many as somebody asks for. */
const maxTrials = 16;

/**
 * Makes sure that there is room for one more job that tries points.
 *
 * @param starting those that are being submitted at the moment
 * @throws AdaptiveError `trials-full`
 */
export function checkRoomToTry(model: Pick<Model, "liveJobs" | "job" | "run">, starting: number): void {
  const trying = [...model.liveJobs].filter((id) => model.job(id).resourceClass === tryClass);
  if (trying.length + starting < Math.min(settingsOf(model.run).maxJobs, maxTrials)) return;
  throw new AdaptiveError(
    "trials-full",
    `As many jobs try points already as may at a time (${trying.length + starting}).`,
    "Wait until one has ended, or cancel it: adaptive-scheduler jobs RUN lists them, cancel RUN JOB ends one.",
  );
}

/** What a job asked the queue for, or would by the settings of now. */
export function resourcesOfJob(model: Model, job: JobRow, { settings }: Pick<Limits, "settings">): Resources {
  return resourcesOf(settings, classOf(model, job));
}

/** Whether a job without a learner is about to ask for one: it has just been submitted, or has just finished one. */
export function willAsk({ learnerId, answer, resourceClass, cancelledAt }: JobRow): boolean {
  return (
    resourceClass !== tryClass &&
    learnerId === null &&
    cancelledAt === null &&
    (answer === null || answer === okayAnswer)
  );
}

/** Whether a job holds a learner or is about to ask for one. */
export function serves(job: JobRow): boolean {
  return (job.learnerId !== null && job.cancelledAt === null) || willAsk(job);
}

/** Whether a job runs for so long that it should have asked for a learner. */
export function isMute({ hasAsked, startedAt, resourceClass }: JobRow, now: number, forMs = muteMs): boolean {
  return !hasAsked && resourceClass !== tryClass && startedAt !== null && now - startedAt > forMs;
}
