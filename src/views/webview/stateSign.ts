import { html, type TemplateResult } from "lit";
import type { LearnerState } from "../../scheduler/state/rows";

/** A state as sign and words; its colours are in the common styles. */
export function stateSign(state: LearnerState, words: string): TemplateResult {
  return html`<span class="state ${state}"><span class="sign" aria-hidden="true"></span>${words}</span>`;
}
