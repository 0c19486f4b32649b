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
