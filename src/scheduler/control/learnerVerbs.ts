import type { LearnerState } from "../state/rows";

/** What a person may have done to learners. */
export const learnerVerbs = ["retry", "stop", "reopen"] as const;
export type LearnerVerb = (typeof learnerVerbs)[number];

/** The states in which there is something to do; learners in others are passed over. */
export const statesFor: Readonly<Record<LearnerVerb, readonly LearnerState[]>> = {
  retry: ["failed", "stopped"],
  stop: ["running", "waiting"],
  reopen: ["done"],
};

/** Ids in as many pieces as there are requests for them. */
export function inRequests<T>(ids: readonly T[]): T[][] {
  const count = Math.ceil(ids.length / idsInRequest);
  return Array.from({ length: count }, (_, i) => ids.slice(i * idsInRequest, (i + 1) * idsInRequest));
}
/** Also of the longest ids these stay below what fits into a request. */
const idsInRequest = 100_000;
