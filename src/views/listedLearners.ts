import type { LearnerChoice } from "../remote/replica/queries";
import type { RunSession } from "../remote/runSession";
import { type LearnerVerb, statesFor } from "../scheduler/control/learnerVerbs";
import { type LearnerId, learnerStates } from "../scheduler/state/rows";
import type { Actions } from "./actions";
import { shownLearner } from "./dashboardRows";
import { learnerVerbWords } from "./learnerVerbs";
import { type ListLook, maxChosen, type ToPage } from "./messages";

type LearnersMessage = Extract<ToPage, { type: "learners" }>;

/** What the dashboard's list shows: the rows in sight, of the learners that its state and the filter choose. */
export async function listMessage(session: RunSession, list: ListLook, filter: string): Promise<LearnersMessage> {
  const [{ total, rows }, matching] = await Promise.all([
    session.query("learners", { ...list, ...choiceOf(list, filter) }),
    session.query("matches", { filter }),
  ]);
  return { type: "learners", list, filter, matching, total, rows: rows.map(shownLearner) };
}

/** Retries, stops or reopens, of the learners that are listed, all for which there is something to do. */
export function changeListed(
  actions: Pick<Actions, "withRun" | "changeLearners">,
  verb: LearnerVerb,
  list: Pick<ListLook, "state">,
  filter: string,
): Promise<void> {
  return actions.withRun(learnerVerbWords[verb].label, async (session) => {
    const states = statesFor[verb].filter((state) => list.state === null || list.state === state);
    await actions.changeLearners(verb, await session.query("learnerIds", { filter, states }));
  });
}

/** The learners of rows of the list, at most as many as may be chosen. */
export async function chosenRows(
  session: RunSession,
  list: ListLook,
  filter: string,
  end: number,
): Promise<LearnerId[]> {
  const limit = Math.min(maxChosen, Math.max(0, end - list.offset));
  const { rows } = await session.query("learners", { ...list, ...choiceOf(list, filter), limit });
  return rows.map(({ id }) => id);
}

/** When the last of a run's learners ended; null when none has. */
export async function newestEnd(session: RunSession): Promise<number | null> {
  const states = ["done", "failed", "stopped"] as const;
  const query = { states, orderBy: "changedAt", descending: true, offset: 0, limit: 1 } as const;
  return (await session.query("learners", query)).rows[0]?.changedAt ?? null;
}

/** Saves all learners that are listed as a table, in the order of the list. */
export function saveListed(actions: Actions, list: ListLook, filter: string): Promise<void> {
  const { orderBy, descending } = list;
  return actions.saveLearners({ ...choiceOf(list, filter), orderBy, descending });
}

function choiceOf({ state }: ListLook, filter: string): LearnerChoice {
  return { filter, states: state === null ? learnerStates : [state] };
}
