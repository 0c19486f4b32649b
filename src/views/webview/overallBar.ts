import { css, html, type TemplateResult } from "lit";
import type { LearnerState } from "../../scheduler/state/rows";
import { formatCount } from "../../scheduler/state/counts";
import { statesInOrder, stateStyles } from "../learnerStates";
import { drawn } from "./drawn";
import { stateSign } from "./stateSign";

/** What is settled stands on the left, what is still to come on the right. */
const barOrder: readonly LearnerState[] = ["done", "running", "failed", "stopped", "blocked", "removed", "waiting"];

export const overallBarStyles = css`
  .bar {
    display: flex;
    flex: none;
    gap: 1px;
    height: 12px;
    border-radius: 6px;
    overflow: hidden;
    outline: 1px solid var(--vscode-contrastBorder, transparent);
  }
  .bar > div {
    min-width: 3px;
    background: var(--state);
    transition: flex-grow 300ms;
  }
  .bar > .failed {
    background: repeating-linear-gradient(
      -45deg,
      var(--state) 0 3px,
      color-mix(in srgb, var(--state) 55%, transparent) 3px 6px
    );
  }
  .counts {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 16px;
  }
  @media (prefers-reduced-motion: reduce) {
    .bar > div {
      transition: none;
    }
  }
`;

/** All learners as one bar with a segment for each state, and the counts in words. */
export function overallBar(counts: Readonly<Partial<Record<LearnerState, number>>>): {
  bar: TemplateResult;
  counts: TemplateResult;
} {
  const countOf = (state: LearnerState): number => counts[state] ?? 0;
  const inWords = (state: LearnerState): string =>
    `${formatCount(countOf(state))} ${stateStyles[state].label.toLowerCase()}`;
  const present = statesInOrder.filter((state) => countOf(state) > 0);
  return {
    bar: html`<div class="bar" role="img" aria-label=${`Learners: ${present.map(inWords).join(", ")}`}>
      ${barOrder
        .filter((state) => countOf(state) > 0)
        .map(
          (state) =>
            html`<div class=${state} title=${inWords(state)} ${drawn({ "flex-grow": String(countOf(state)) })}></div>`,
        )}
    </div>`,
    counts: html`<div class="counts number">${present.map((state) => stateSign(state, inWords(state)))}</div>`,
  };
}
