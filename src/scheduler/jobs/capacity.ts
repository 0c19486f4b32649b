import type { Answer } from "../state/changes";
import { tryClass, type JobRow } from "../state/rows";
import type { Settings } from "../state/settings";

/** A job that runs for so long without asking for a learner is mute. */
export const muteMs = 600_000;

/** How many jobs there may be at a time. */
export function mostJobs(
  { maxJobs, resources }: Pick<Settings, "maxJobs" | "resources">,
  sharedCores: number | null,
): number {
  return sharedCores === null ? maxJobs : Math.min(maxJobs, Math.floor(sharedCores / resources.cores));
}

/** Whether a job without a learner is about to ask for one: it has just been submitted, or has just finished one. */
export function willAsk({ learnerId, answer, resourceClass, cancelledAt }: JobRow): boolean {
  return (
    resourceClass !== tryClass &&
    learnerId === null &&
    cancelledAt === null &&
    (answer === null || (JSON.parse(answer) as Answer).type === "ok")
  );
}

/** Whether a job runs for so long that it should have asked for a learner. */
export function isMute({ hasAsked, startedAt, resourceClass }: JobRow, now: number, forMs = muteMs): boolean {
  return !hasAsked && resourceClass !== tryClass && startedAt !== null && now - startedAt > forMs;
}
