import type { JobId, LearnerRow } from "./rows";

/** The change that takes a learner off its job without being done; a failure counts, and the last allowed one is final. */
export function releaseOf(
  learner: LearnerRow,
  job: JobId,
  requestNumber: number | null,
  how: "failed" | "given back",
  reason: string,
  progress: { npoints: number; loss: number | null },
  maxFailures: number,
) {
  const failures = learner.failures + (how === "failed" ? 1 : 0);
  const isFinal = how === "failed" && failures >= maxFailures;
  return {
    kind: "learnerReleased",
    learner: learner.id,
    job,
    requestNumber,
    state: isFinal ? "failed" : "waiting",
    reason: isFinal ? `failed ${failures} ${failures === 1 ? "time" : "times"}: ${reason}` : reason,
    failures,
    error: how === "failed" ? reason : learner.error,
    npoints: progress.npoints,
    loss: progress.loss,
  } as const;
}
