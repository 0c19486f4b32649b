import type { LearnerState } from "../scheduler/state/rows";

/** A state as every view shows it. */
interface StateStyle {
  label: string;
  codicon: string;
  /** Theme colour, contributed by the editor. */
  color: string;
}

/** The states in the order in which they are listed. */
export const stateStyles: Readonly<Record<LearnerState, StateStyle>> = {
  running: { label: "Running", codicon: "play-circle", color: "charts.blue" },
  waiting: { label: "Waiting", codicon: "clock", color: "descriptionForeground" },
  done: { label: "Done", codicon: "pass", color: "charts.green" },
  failed: { label: "Failed", codicon: "error", color: "charts.red" },
  stopped: { label: "Stopped", codicon: "debug-pause", color: "charts.yellow" },
  blocked: { label: "Blocked", codicon: "lock", color: "charts.purple" },
  removed: { label: "Removed", codicon: "archive", color: "disabledForeground" },
};

export const statesInOrder = Object.keys(stateStyles) as readonly LearnerState[];
