import { html, nothing, type TemplateResult } from "lit";
import { formatAgo } from "../format";
import type { ShownTrial } from "../messages";
import { goToLine } from "./controls";

/** What trying a point of a learner gave, for its panel. */
export function trialNote(
  trial: ShownTrial | null,
  { nowMs, onGoToLine }: { nowMs: number; onGoToLine: () => void },
): TemplateResult | typeof nothing {
  if (trial === null) return nothing;
  const { at, line, hasFailed, traceback, place } = trial;
  const when = html`<span class="quiet" title=${new Date(at).toLocaleString()}>Tried ${formatAgo(at, nowMs)}:</span>`;
  return html`<div class=${hasFailed ? "trouble" : "tried"}>${when} ${line} ${goToLine(place, onGoToLine)}</div>
    ${traceback === null ? nothing : html`<pre tabindex="0" aria-label="Traceback of the point tried">${traceback}</pre>`}`;
}
