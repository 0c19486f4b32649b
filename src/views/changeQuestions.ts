/** What is asked before something is done to several learners, or to jobs. */
import type { JobView } from "../remote/replica/queries";
import type { LearnerVerb } from "../scheduler/control/learnerVerbs";
import { plural } from "../scheduler/state/counts";
import { learnerLabel } from "./format";
import { learnerVerbWords } from "./learnerVerbs";
import type { Question } from "./studyWords";

/**
 * Whether to do something to so many learners; null where nobody has to be asked: one was pointed at.
 * @param chosen how many a person chose, of which some may not be in a state for it
 */
export function changeQuestion(verb: LearnerVerb, count: number, chosen: number): Question | null {
  if (chosen < 2) return null;
  const { label, means } = learnerVerbWords[verb];
  const left = chosen - count;
  const others =
    left === 1
      ? "1 other that was chosen stays as it is."
      : `${plural(left, "other")} that were chosen stay as they are.`;
  const learners = plural(count, "learner");
  return {
    message: `${label} ${learners}?`,
    detail: left === 0 ? means : `${means} ${others}`,
    choices: [`${label} ${learners}`],
  };
}

/** Whether to cancel jobs. */
export function cancelQuestion(jobs: readonly Pick<JobView, "jobId" | "learner">[], isActive: boolean): Question {
  const [job] = jobs;
  const what = jobs.length === 1 && job ? `job ${job.jobId}` : plural(jobs.length, "job");
  const held = jobs.flatMap(({ learner }) => learner ?? []);
  const [learner] = held;
  const whose = held.length === 1 && learner ? `Its learner ${learnerLabel(learner)} is` : "Their learners are";
  const saved = `${whose} saved, and ${held.length === 1 ? "waits" : "wait"} for another job.`;
  const next = "While the run is active, other jobs are submitted for learners that wait.";
  return {
    message: `Cancel ${what}?`,
    detail: [...(held.length > 0 ? [saved] : []), ...(isActive ? [next] : [])].join(" "),
    choices: [jobs.length === 1 ? "Cancel Job" : `Cancel ${plural(jobs.length, "Job")}`],
  };
}
