import type { LearnerVerb } from "../scheduler/control/learnerVerbs";

/** A verb as every view says it, and what is said when it is done: `3 learners set to waiting again`. */
export const learnerVerbWords: Readonly<Record<LearnerVerb, { label: string; done: string }>> = {
  retry: { label: "Retry", done: "set to waiting again" },
  stop: { label: "Stop", done: "stopped; what runs is saved first" },
  reopen: { label: "Reopen", done: "opened again" },
};
