import type { JobId, LearnerRow } from "./rows";

/**
 * The change that takes a learner off its job without being done. One that a person wanted stopped
 * is stopped; a failure counts, and the last allowed one is final; else it waits for another job.
 */
export function releaseOf(
  learner: LearnerRow,
  job: JobId,
  requestNumber: number | null,
  how: "failed" | "given back",
  reason: string,
  progress: { npoints: number; loss: number | null },
  maxFailures: number,
) {
  const hasFailed = how === "failed" && !learner.isStopping;
  const failures = learner.failures + (hasFailed ? 1 : 0);
  const isFinal = hasFailed && failures >= maxFailures;
  return {
    kind: "learnerReleased",
    learner: learner.id,
    job,
    requestNumber,
    state: learner.isStopping ? "stopped" : isFinal ? "failed" : "waiting",
    reason: isFinal ? `failed ${failures} ${failures === 1 ? "time" : "times"}: ${reason}` : reason,
    failures,
    error: hasFailed ? reason : learner.error,
    npoints: progress.npoints,
    loss: progress.loss,
  } as const;
}
