import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { type LearnerVerb, learnerVerbs, statesFor } from "../../scheduler/control/learnerVerbs";
import type { Failure } from "../../scheduler/state/failure";
import type { LearnerId } from "../../scheduler/state/rows";
import { componentLabels, curveData, curveSummary } from "../curve";
import { formatAgo, formatCount, formatDuration, formatLoss, formatNumber } from "../format";
import { stateStyles } from "../learnerStates";
import { learnerVerbWords } from "../learnerVerbs";
import type { ShownLearner, ToPage } from "../messages";
import { button } from "./controls";
import type { GridColumn } from "./grid";
import type { PlotDescription } from "./plotOptions";
import { stateSign } from "./stateSign";
import { commonStyles } from "./styles";

type Preview = Extract<ToPage, { type: "preview" }>["preview"];
type LinePreview = Extract<Preview, { kind: "line" }>;

/** One learner: how it is, what is wrong with it, and its data, drawn or as a table. */
export class LearnerPanelElement extends LitElement {
  static override properties = {
    learner: { attribute: false },
    preview: { attribute: false },
    failure: { attribute: false },
    canAct: { attribute: false },
    nowMs: { attribute: false },
    showsTable: { state: true },
  };
  static override styles = [
    commonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: 8px;
        min-height: 0;
      }
      .head,
      .facts {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
      .head h2 {
        margin-right: auto;
        overflow-wrap: anywhere;
      }
      .actions {
        display: flex;
        gap: 6px;
      }
      adaptive-plot,
      adaptive-grid,
      .empty {
        flex: 1;
        min-height: 180px;
      }
      .empty {
        display: grid;
        place-content: center;
        text-align: center;
        color: var(--quiet);
      }
      .trouble {
        border-left: 3px solid var(--state-failed);
        padding: 2px 8px;
        overflow-wrap: anywhere;
      }
      details {
        flex: none;
      }
      summary {
        cursor: pointer;
      }
      pre {
        margin: 4px 0 0;
        max-height: 11em;
        flex: none;
        overflow: auto;
        padding: 6px 8px;
        background: var(--vscode-textCodeBlock-background);
        border: 1px solid var(--vscode-contrastBorder, transparent);
        font-family: var(--vscode-editor-font-family);
        font-size: var(--vscode-editor-font-size);
      }
    `,
  ];
  learner: ShownLearner | null = null;
  preview: Preview | null = null;
  /** How it failed last. */
  failure: Failure | null = null;
  canAct = false;
  nowMs = Date.now();
  onChange: (verb: LearnerVerb, learner: LearnerId) => void = () => undefined;
  onShowOutput: (job: string) => void = () => undefined;

  private showsTable = false;

  override render(): TemplateResult {
    const { learner } = this;
    if (learner === null) return html`<div class="empty">Choose a learner to see its data.</div>`;
    return html`<div class="head">
        <h2>${learner.label}</h2>
        <div class="actions">${this.actions(learner)}</div>
      </div>
      ${this.facts(learner)} ${troubleOf(learner)} ${this.failed(learner)}
      ${this.preview?.kind !== "line" ? html`<div class="empty">${noDataText(learner)}</div>` : this.data(learner, this.preview)}`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("failure")) return;
    // The error is at the end of what was printed.
    for (const text of this.renderRoot.querySelectorAll("pre")) text.scrollTop = text.scrollHeight;
  }

  private actions({ id, state, job }: ShownLearner): (TemplateResult | typeof nothing)[] {
    const { canAct, showsTable } = this;
    const verb = learnerVerbs.find((each) => statesFor[each].includes(state));
    return [
      this.preview === null
        ? nothing
        : button({
            label: showsTable ? "Show data as plot" : "Show data as table",
            onClick: () => (this.showsTable = !showsTable),
          }),
      job === null
        ? nothing
        : button({ label: "Show Output", isDisabled: !canAct, onClick: () => this.onShowOutput(job) }),
      verb === undefined
        ? nothing
        : button({
            label: learnerVerbWords[verb].label,
            isPrimary: verb === "retry",
            isDisabled: !canAct,
            onClick: () => this.onChange(verb, id),
          }),
    ];
  }

  private facts({ state, npoints, loss, job, changedAt, type }: ShownLearner): TemplateResult {
    const since = html`<span class="quiet" title=${new Date(changedAt).toLocaleString()}
      >${state === "running" ? `for ${formatDuration(this.nowMs - changedAt)}` : formatAgo(changedAt, this.nowMs)}</span
    >`;
    // The data may be a moment ahead of the learner's row.
    const points = Math.max(npoints, this.preview?.npoints ?? 0);
    return html`<div class="facts number">
      <span>${stateSign(state, stateStyles[state].label.toLowerCase())} ${since}</span>
      <span>${formatCount(points)} <span class="quiet">${points === 1 ? "point" : "points"}</span></span>
      <span title=${loss ?? nothing}><span class="quiet">loss</span> ${formatLoss(loss)}</span>
      ${job === null ? nothing : html`<span><span class="quiet">job</span> ${job}</span>`}
      <span class="quiet">${type}</span>
    </div>`;
  }

  /** What is kept of its failure: the traceback, and what the job printed. */
  private failed({ state, error }: ShownLearner): TemplateResult | typeof nothing {
    if (this.failure === null || (state !== "failed" && error === null)) return nothing;
    const { traceback, output, job, at } = this.failure;
    const when = html`<span class="quiet" title=${new Date(at).toLocaleString()}>${formatAgo(at, this.nowMs)}</span>`;
    return html`${traceback === null ? nothing : section("Traceback", when, traceback.trimEnd(), true)}
    ${output === "" ? nothing : section(`Output of job ${job}`, when, output.trimEnd(), traceback === null)}`;
  }

  private data(learner: ShownLearner, preview: LinePreview): TemplateResult {
    if (this.showsTable) return table(learner, preview);
    const { bounds, xLabel, yLabel } = preview;
    const description: PlotDescription = {
      series: componentLabels(preview).map((label) => ({ label, kind: "curve" })),
      xLabel,
      yLabel,
      isTime: false,
      xRange: bounds,
      startsAtZero: false,
    };
    return html`<adaptive-plot
      .description=${description}
      .data=${guard([preview], () => curveData(preview))}
      .label=${curveSummary(preview, learner)}
    ></adaptive-plot>`;
  }
}

function section(label: string, when: TemplateResult, text: string, isOpen: boolean): TemplateResult {
  return html`<details ?open=${isOpen}>
    <summary>${label} ${when}</summary>
    <pre tabindex="0" aria-label=${label}>${text}</pre>
  </details>`;
}

function table(learner: ShownLearner, preview: LinePreview): TemplateResult {
  const data = curveData(preview);
  const columns = [preview.xLabel, ...componentLabels(preview)].map((label, i): GridColumn => {
    return { key: String(i), label, isNumber: true, width: "minmax(90px, 200px)", sort: null };
  });
  const cell = (value: number | null | undefined) => ({
    content: value === null || value === undefined ? "–" : formatNumber(value),
  });
  return html`<adaptive-grid
    .label=${`Data of ${learner.label}`}
    .columns=${columns}
    .total=${data[0].length}
    .cells=${(row: number) => data.map((values) => cell(values[row]))}
  ></adaptive-grid>`;
}

/** What is wrong with a learner, in a sentence. */
function troubleOf({ state, error, reason, failures }: ShownLearner): TemplateResult | typeof nothing {
  const times = failures === 0 ? "" : `Failed ${failures === 1 ? "once" : `${failures} times`}: `;
  const text = error === null ? (reason ?? "") : `${times}${error}`;
  if (text === "") return nothing;
  return state === "failed" || error !== null
    ? html`<div class="trouble">${text}</div>`
    : html`<div class="quiet">${text}</div>`;
}

function noDataText({ state, npoints, fname }: ShownLearner): string {
  if (state === "running") return "Waiting for its first points…";
  if (npoints === 0) return state === "waiting" ? "No points yet: it waits for a job." : "No points yet.";
  return `Its ${formatCount(npoints)} points are in ${fname}. The curve is drawn while it runs.`;
}

customElements.define("adaptive-learner", LearnerPanelElement);
