import type { Release } from "./changes";
import type { LearnerProgress } from "./lostPoints";
import type { JobId, LearnerRow } from "./rows";
import { plural } from "./counts";

/** A learner that so many jobs in a row were cut short on, without adding a point, is failed. */
const maxFruitlessJobs = 5;

/**
 * The change that takes a learner off its job without being done. One that a person wanted stopped
 * is stopped, or removed when its file does not define it any more; a failure counts, and the last allowed one is final; else it waits for another job.
 */
export function releaseOf(
  learner: LearnerRow,
  job: JobId,
  requestNumber: number | null,
  how: Release,
  reason: string,
  progress: Pick<LearnerProgress, "npoints" | "loss">,
  maxFailures: number,
) {
  const isWished = learner.isStopping === 1;
  const hasFailed = how === "failed" && !isWished;
  const failures = learner.failures + (hasFailed ? 1 : 0);
  const isFruitless = how === "cut short" && !isWished && progress.npoints <= learner.npointsBefore;
  const fruitlessJobs = isFruitless
    ? learner.fruitlessJobs + 1
    : progress.npoints > learner.npointsBefore
      ? 0
      : learner.fruitlessJobs;
  const final =
    hasFailed && failures >= maxFailures
      ? `failed ${plural(failures, "time")}: ${reason}`
      : isFruitless && fruitlessJobs >= maxFruitlessJobs
        ? `no progress in ${plural(fruitlessJobs, "job")}: ${reason}`
        : null;
  return {
    kind: "learnerReleased",
    learner: learner.id,
    job,
    requestNumber,
    how,
    state: isWished ? (learner.isListed ? "stopped" : "removed") : final !== null ? "failed" : "waiting",
    reason: final ?? reason,
    failures,
    fruitlessJobs,
    error: hasFailed || final !== null ? reason : learner.error,
    npoints: progress.npoints,
    loss: progress.loss,
  } as const;
}
