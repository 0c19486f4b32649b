import type { Link } from "../remote/link";
import type { Page } from "../remote/replica/queries";
import { defaultClass, type LearnerRow, type LearnerState } from "../scheduler/state/rows";
import { formatCount, plural } from "../scheduler/state/counts";
import { formatLoss, fileNames, learnerLabel } from "./format";
import { statesInOrder, stateStyles } from "./learnerStates";
import { shortTrouble, troubleWords } from "./learnerWords";
import { freshTrial, trialLine } from "./trialModel";
import type { RunCondition } from "./runCondition";
import type { TreeNode } from "./treeNodes";

/** Learners shown of a group at first, and by how many "Show more" goes on. */
export const groupPage = 200;

/** Groups a person wants to see at once. */
export const groupsOpenAtFirst: readonly LearnerState[] = ["running", "failed"];

export const groupId = (state: LearnerState): string => `group:${state}`;
export const learnerNodeId = (id: number): string => `learner:${id}`;

/** The state whose group has this id, or null when it is another node. */
export function stateOfGroup(id: string): LearnerState | null {
  return statesInOrder.find((state) => groupId(state) === id) ?? null;
}

/** The id of the learner that a node shows, or null. */
export function learnerOfNode(id: string): number | null {
  const match = /^learner:(\d+)$/.exec(id);
  return match === null ? null : Number(match[1]);
}

/** What the link to the run needs a person for, as the first line; a click does it. */
export function needNode(link: Link): TreeNode[] {
  if (link.at !== "needsUser") return [];
  return [
    {
      id: "connect",
      label: "Connect…",
      description: link.what,
      tooltip: `needs you: ${link.what}`,
      icon: { codicon: "key", color: "charts.yellow" },
      context: "connect",
      children: null,
      command: { id: "adaptive.connect", title: "Connect", argument: null },
    },
  ];
}

/** How a run stands, where that is said above its learners. */
const labels: Partial<Record<RunCondition["kind"], string>> = {
  waits: "Paused, needs you",
  lost: "Points were lost",
  dataGone: "Data is gone",
  finished: "Finished",
};

/** What a person should know of the run before its learners, as the first line; a click shows more. */
export function conditionNode(condition: RunCondition | null): TreeNode[] {
  const label = condition && labels[condition.kind];
  if (!label) return [];
  const isAmiss = condition.kind !== "finished";
  return [
    {
      id: "condition",
      label,
      description: isAmiss ? condition.line : "",
      tooltip: [condition.detail || condition.line, condition.hint].filter((text) => text !== "").join("\n"),
      icon: isAmiss ? { codicon: "warning", color: "charts.yellow" } : { codicon: "flag", color: null },
      context: `condition ${condition.kind}`,
      children: null,
      command: { id: "adaptive.showProgress", title: "Show Progress", argument: null },
    },
  ];
}

/**
 * The learners grouped by state, in the order of their file within a group.
 * @param pages the rows of the groups that are open
 */
export function learnersTree(
  counts: Readonly<Record<LearnerState, number>>,
  pages: ReadonlyMap<LearnerState, Page<LearnerRow>>,
): TreeNode[] {
  return statesInOrder
    .filter((state) => counts[state] > 0)
    .map((state) => {
      const { label, codicon, color } = stateStyles[state];
      const page = pages.get(state);
      return {
        id: groupId(state),
        label,
        description: formatCount(counts[state]),
        tooltip: "",
        icon: { codicon, color },
        context: `group ${state}`,
        children: {
          isExpanded: groupsOpenAtFirst.includes(state),
          nodes: page === undefined ? [] : [...page.rows.map(learnerNode), ...moreNode(state, page)],
        },
      };
    });
}

function learnerNode(learner: LearnerRow): TreeNode {
  const { codicon, color } = stateStyles[learner.state];
  const hasOutput = (learner.jobId ?? learner.lastJobId) !== null;
  return {
    id: learnerNodeId(learner.id),
    label: learnerLabel(learner),
    description: descriptionOf(learner),
    tooltip: tooltipOf(learner),
    icon: { codicon, color },
    context: `learner ${learner.state}${hasOutput ? " job" : ""}`,
    children: null,
    command: { id: "adaptive.showLearner", title: "Show Learner", argument: learnerNodeId(learner.id) },
  };
}

function descriptionOf(learner: LearnerRow): string {
  const { state, error, reason, failures, npoints, loss, remark } = learner;
  const isWell = state === "running" || state === "done";
  const why = error === null && state !== "blocked" ? null : troubleWords({ error, reason, failures });
  const trouble = isWell ? null : (why ?? failedTrial(learner));
  if (trouble !== null) return shortTrouble(trouble);
  const points = npoints === 0 ? null : plural(npoints, "pt");
  const parts = [points, points === null || loss === null ? null : `loss ${formatLoss(loss)}`, remark];
  return parts.flatMap((part) => (part === null ? [] : shortTrouble(part))).join("  ");
}

function failedTrial(learner: LearnerRow): string | null {
  const error = freshTrial(learner)?.error ?? null;
  return error === null ? null : `tried: ${error}`;
}

function tooltipOf(learner: LearnerRow): string {
  const { fname, error, reason, remark, resourceClass } = learner;
  const ofClass = resourceClass === defaultClass ? null : `class ${resourceClass}`;
  const trial = freshTrial(learner);
  const tried = trial === null ? null : `tried: ${trialLine(trial)}`;
  // A narrow side bar cuts the label off, and what tells learners apart is often its end.
  const lines = [learnerLabel(learner), fileNames(fname), ofClass, error, reason, remark, tried].filter(
    (line) => line !== null,
  );
  // A reason may be the error itself, or end with it.
  const isSaid = (line: string) => lines.some((other) => other.endsWith(`: ${line}`));
  return [...new Set(lines)].filter((line) => !isSaid(line)).join("\n");
}

function moreNode(state: LearnerState, { rows, total }: Page<LearnerRow>): TreeNode[] {
  const left = total - rows.length;
  if (left <= 0) return [];
  return [
    {
      id: `more:${state}`,
      label: "Show more…",
      description: `${formatCount(rows.length)} of ${formatCount(total)}`,
      tooltip: "",
      icon: null,
      context: "more",
      children: null,
      command: { id: "adaptive.showMoreLearners", title: "Show More Learners", argument: state },
    },
  ];
}
