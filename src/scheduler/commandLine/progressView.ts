import { learnerStates, type LearnerState } from "../state/rows";
import { plural } from "../state/counts";

/** A run in numbers, as the terminal shows it. */
export interface Figures {
  learners: Readonly<Record<LearnerState, number>>;
  npoints: number;
  jobs: number;
  elapsedMs: number;
}

const barWidth = 30;

/** One line for a terminal of this many columns: `██████░░░░ 12 of 24 done · 2 running · 1 283 points · 0:31`. */
export function progressLine(figures: Figures, columns: number): string {
  const { learners } = figures;
  const total = totalOf(learners);
  const filled = total === 0 ? 0 : Math.floor((learners.done / total) * barWidth);
  const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
  return `${bar} ${figuresLine(figures)}`.slice(0, Math.max(columns - 1, 20));
}

/** The same without the bar, for logs. */
export function figuresLine({ learners, npoints, elapsedMs }: Figures): string {
  const others = learnerStates.filter((state) => state !== "done" && learners[state] > 0);
  return [
    `${learners.done} of ${totalOf(learners)} done`,
    ...others.map((state) => `${learners[state]} ${state}`),
    plural(npoints, "point"),
    formatDuration(elapsedMs),
  ].join(" · ");
}

/** `0:07`, `12:31`, `1:02:03`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const tail = String(seconds % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Of the study as it is: those that are no longer in the file do not count. */
export function totalOf(learners: Readonly<Record<LearnerState, number>>): number {
  return learnerStates.reduce((sum, state) => sum + (state === "removed" ? 0 : learners[state]), 0);
}
