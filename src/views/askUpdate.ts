import type { RunSession } from "../remote/runSession";
import type { StudyComparison } from "../scheduler/control/studyComparison";
import { choose } from "./dialog";
import { update, updateQuestion } from "./studyWords";

/**
 * Whether a run that is about to go on gets its edited study; a person is asked where learners would go or become others.
 * @throws AdaptiveError `cancelled`
 */
export async function agreesToUpdate(session: RunSession, comparison: StudyComparison): Promise<boolean> {
  if (!comparison.needsConsent) return true;
  const question = updateQuestion(comparison, { mayKeep: true, runningJobs: await runningJobsOf(session) });
  return (await choose(question)) === update;
}

/** How many jobs go on with the code they began with. */
export async function runningJobsOf(session: RunSession): Promise<number> {
  return (await session.query("overview", null)).jobs.running;
}
