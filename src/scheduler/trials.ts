import { freemem } from "node:os";
import { propose } from "./control/proposal";
import type { Results } from "./control/protocol";
import type { JobLoop } from "./jobs/loop";
import { AdaptiveError } from "./state/errors";
import { asLearnerId, defaultClass, type LearnerId, type LearnerRow } from "./state/rows";
import { settingsOf } from "./state/settings";
import type { Store } from "./state/store";
import { trialOf } from "./state/trial";

/**
 * Has one job evaluate a point of each of some learners.
 *
 * @param learners of the run, or none for some that are well apart
 * @returns when all are told, also by the job's death
 * @throws AdaptiveError `no-learner`, `trials-full`, `submission-failed`
 */
export async function tryLearners(
  learners: readonly number[],
  store: Store,
  loop: Pick<JobLoop, "try">,
): Promise<Results["tryLearners"]> {
  const { model } = store;
  const wanted = learners.length > 0 ? new Set(learners) : learnersToTry([...model.learners.values()]);
  const known = [...wanted].map(asLearnerId).filter((id) => model.learners.has(id));
  if (known.length === 0) {
    throw new AdaptiveError("no-learner", "There is no such learner to try.", "Choose one of the run's learners.");
  }
  const before = new Map(known.map((id) => [id, model.learner(id).trial]));
  // What a job has, all learners that it tries must ask for.
  for (const name of new Set(known.map((id) => model.learner(id).resourceClass))) {
    await loop.try(known.filter((id) => model.learner(id).resourceClass === name));
  }
  await store.until(() => known.every((id) => model.learner(id).trial !== before.get(id)));
  const trials = known.flatMap((id) => {
    const { fname, combo, ...row } = model.learner(id);
    const trial = trialOf(row);
    return trial ? [{ id, fname, combo, trial }] : [];
  });
  const settings = settingsOf(model.run);
  // Of the nodes of a cluster nothing is known here.
  const here = settings.queue === "local";
  const circumstances = { settings, freeMegabytes: here ? freemem() / 2 ** 20 : Infinity };
  // A proposal is for `resources`, which are not what a class asks for.
  const points = trials.filter(({ id }) => model.learner(id).resourceClass === defaultClass).map(({ trial }) => trial);
  return { trials, proposal: propose(points, circumstances) };
}

/** The first, the last and one in the middle of those that are not done: they are likely to differ most. */
export function learnersToTry(rows: readonly LearnerRow[]): LearnerId[] {
  const listed = rows.filter(({ isListed }) => isListed).sort((a, b) => a.position - b.position);
  const open = listed.filter(({ state }) => state !== "done");
  const candidates = open.length > 0 ? open : listed;
  const chosen = [0, (candidates.length - 1) >> 1, candidates.length - 1].flatMap((i) => candidates[i]?.id ?? []);
  return [...new Set(chosen)];
}
