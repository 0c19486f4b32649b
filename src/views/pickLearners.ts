import { window } from "vscode";
import type { RunSession } from "../remote/runSession";
import { type LearnerVerb, statesFor } from "../scheduler/control/learnerVerbs";
import { AdaptiveError } from "../scheduler/state/errors";
import type { LearnerId } from "../scheduler/state/rows";
import { formatCount } from "../scheduler/state/counts";
import { learnerLabel } from "./format";
import { stateStyles } from "./learnerStates";
import { learnerVerbWords } from "./learnerVerbs";
import { plain } from "./plain";

const maxListed = 2000;

/**
 * Asks which learners a verb is for, among those it can be for and that match a filter.
 * @throws AdaptiveError `no-learners`
 */
export async function pickLearners(session: RunSession, verb: LearnerVerb, filter: string): Promise<LearnerId[]> {
  const states = statesFor[verb];
  const nameOf = (state: (typeof states)[number]) => stateStyles[state].label.toLowerCase();
  const query = { states, filter, orderBy: "position", descending: false, offset: 0, limit: maxListed } as const;
  const { rows, total } = await session.query("learners", query);
  if (total === 0) {
    const which = filter === "" ? "No learner" : `No learner that matches ${filter}`;
    throw new AdaptiveError("no-learners", `${which} is ${states.map(nameOf).join(" or ")}.`);
  }
  const items = rows.map((row) => ({ label: plain(learnerLabel(row)), description: nameOf(row.state), id: row.id }));
  const picked = await window.showQuickPick(items, {
    title: `${learnerVerbWords[verb].label} Learners`,
    placeHolder:
      total > rows.length
        ? `The first ${formatCount(rows.length)} of ${formatCount(total)}; in the view Learners are all`
        : "Which learners?",
    canPickMany: true,
    matchOnDescription: true,
  });
  return picked?.map(({ id }) => id) ?? [];
}
