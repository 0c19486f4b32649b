import type { LearnerVerb } from "../scheduler/control/learnerVerbs";

/** A verb as every view says it, what it means, and what is said when it is done: `3 learners set to waiting again`. */
export const learnerVerbWords: Readonly<Record<LearnerVerb, { label: string; means: string; done: string }>> = {
  retry: {
    label: "Retry",
    means: "They wait for a job again, and go on from their data.",
    done: "set to waiting again",
  },
  stop: {
    label: "Stop",
    means: "Those that run are saved and taken off their jobs; none of them gets a job until it is retried.",
    done: "stopped; what runs is saved first",
  },
  reopen: {
    label: "Reopen",
    means: "They are done now. They wait for a job again, and go on from their data until they meet their goal.",
    done: "opened again",
  },
};
