import type { RunRow } from "../scheduler/state/rows";
import { needsPython } from "../scheduler/control/foundPythons";
import { lossIn } from "../scheduler/state/lostPoints";
import { sentence } from "./format";
import { mendSteps } from "./pythonWords";
import type { RunCondition } from "./runCondition";

/** What is worth a notification. */
export interface News {
  /** The same for the same event, in every window and after every reload. */
  cause: string;
  message: string;
  isProblem: boolean;
  /** What to do next: commands by the words on their buttons. */
  steps: readonly { title: string; command: string }[];
}

/** Longer ones are cut off by the editor, with their end: what to do. */
const longestLine = 300;

/**
 * @param changedAt when a learner changed last, in milliseconds since the epoch
 * @returns null when there is nothing that a person has not done or seen themselves
 */
export function asNews(run: RunRow, condition: RunCondition, changedAt: number, isOnCluster: boolean): News | null {
  const showProgress = { title: "Show Dashboard", command: "adaptive.showProgress" };
  if (condition.kind === "finished") {
    return {
      cause: `${run.runId} finished ${changedAt}`,
      message: condition.line,
      isProblem: condition.hasFailed,
      steps: [
        showProgress,
        ...(condition.hasFailed ? [{ title: "Retry Failed…", command: "adaptive.retryLearners" }] : []),
        ...(isOnCluster ? [{ title: "Download Data", command: "adaptive.downloadData" }] : []),
      ],
    };
  }
  const { line, hint, code } = condition;
  if (condition.kind === "lost") {
    const { points } = lossIn(run.remark) ?? { points: 1 };
    return {
      // Told again when as much again is lost, and not with every node that goes down.
      cause: `${run.runId} lost ${run.activityAt} ${Math.floor(Math.log2(points))}`,
      message: `${run.name}: ${line} ${hint}`,
      isProblem: true,
      steps: [showProgress],
    };
  }
  if (condition.kind === "dataGone") {
    return {
      cause: `${run.runId} gone ${line}`,
      message: `${run.name}: ${line} Put it back, or reopen these learners.`,
      isProblem: true,
      steps: [showProgress, { title: "Reopen…", command: "adaptive.reopenLearners" }],
    };
  }
  if (condition.kind !== "waits") return null;
  const clipped = line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line;
  return {
    cause: `${run.runId} paused ${run.activityAt}`,
    message: [`${run.name} is paused and needs you. ${sentence(clipped)}`, hint].join(" ").trim(),
    isProblem: true,
    steps: [
      showProgress,
      ...(needsPython(code) ? [{ title: mendSteps.choose, command: "adaptive.choosePython" }] : []),
      { title: "Start Jobs", command: "adaptive.startJobs" },
    ],
  };
}

/** Whether it is told at this value of the setting `adaptive.notifications`. */
export function isWanted({ isProblem }: Pick<News, "isProblem">, level: string): boolean {
  return level === "all" || (level === "problems" && isProblem);
}

/** The value of the setting at which such news is not told any more, and no other that is now. */
export const quieter = (isProblem: boolean): "problems" | "none" => (isProblem ? "none" : "problems");
