import type { Deletion } from "../remote/runCommands";
import type { WorkspaceRun } from "../remote/workspaceRuns";
import { formatBytes } from "../scheduler/control/bytes";
import { learnerStates } from "../scheduler/state/rows";
import { formatCount, plural } from "../scheduler/state/counts";
import type { Question } from "./studyWords";

const withoutData = "Delete Run";
export const withData = "Delete Run and Data";

/** What is asked before a run goes to the trash. */
export function deletionQuestion({ name, state, data, outside }: Deletion): Question {
  const stays =
    outside.length > 0 ? ` ${plural(outside.length, "data file")} outside the folder stays in any case.` : "";
  return {
    message: `Delete the run ${name}?`,
    detail:
      `Its state is ${heap(state)}; the learners' data is ${heap(data)}.${stays}\n` +
      "What you delete is moved to .adaptive-trash in the same folder. Moving it back restores it.",
    choices: data.files > 0 ? [withoutData, withData] : [withoutData],
  };
}

/** What the dashboard of a run says that is not connected. */
export const awayLines = {
  notShown: "The sidebar shows another run.",
  gone: "This run is gone: its folder was deleted or moved, or is not in this workspace.",
  untrusted: "This workspace is not trusted, so its runs are not connected.",
};

/** How a run stands, in a few words: `running · 12 of 100 done`. */
export function runLine({ state, learners }: Pick<WorkspaceRun, "state" | "learners">): string {
  if (!learners) return state ?? "";
  const total = learnerStates.reduce((sum, one) => sum + (one === "removed" ? 0 : (learners[one] ?? 0)), 0);
  const counts = `${formatCount(learners.done ?? 0)} of ${formatCount(total)} done`;
  return state === undefined || state === "done" ? counts : `${state} · ${counts}`;
}

function heap({ files, bytes }: { files: number; bytes: number }): string {
  return `${plural(files, "file")} (${formatBytes(bytes)})`;
}
