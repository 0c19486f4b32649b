import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type LearnerVerb, learnerVerbs, statesFor } from "../../scheduler/control/learnerVerbs";
import type { Failure } from "../../scheduler/state/failure";
import type { LearnerId } from "../../scheduler/state/rows";
import { formatAgo, formatCount, formatDuration, formatLoss } from "../format";
import { stateStyles } from "../learnerStates";
import { learnerVerbWords } from "../learnerVerbs";
import type { ShownLearner, ShownTrial, ToPage } from "../messages";
import { button } from "./controls";
import { given } from "./given";
import { stateSign } from "./stateSign";
import { commonStyles, stackStyles } from "./styles";
import { trialNote } from "./trialNote";

type Preview = Extract<ToPage, { type: "preview" }>["preview"];

/** One learner: how it is, what is wrong with it, and its data, drawn or as a table. */
export class LearnerPanelElement extends LitElement {
  static override properties = given("learner", "preview", "failure", "trial", "canAct", "nowMs");
  static override styles = [
    commonStyles,
    stackStyles,
    css`
      .facts {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
      .actions {
        display: flex;
        gap: 6px;
      }
      adaptive-data,
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
  trial: ShownTrial | null = null;
  canAct = false;
  nowMs = Date.now();
  onChange: (verb: LearnerVerb, learner: LearnerId) => void = () => undefined;
  onShowOutput: (job: string) => void = () => undefined;
  onSavePlot: (name: string, pngBase64: string) => void = () => undefined;

  override render(): TemplateResult {
    const { learner } = this;
    if (learner === null) return html`<div class="empty">Choose a learner to see its data.</div>`;
    return html`<div class="head">
        <h2>${learner.label}</h2>
        <div class="actions">${this.actions(learner)}</div>
      </div>
      ${this.facts(learner)} ${troubleOf(learner)} ${remarkOf(learner)} ${this.failed(learner)}
      ${trialNote(this.trial, this.nowMs)}
      ${
        this.preview === null
          ? html`<div class="empty">${noDataText(learner)}</div>`
          : html`<adaptive-data
              .learner=${learner}
              .preview=${this.preview}
              .onSavePlot=${this.onSavePlot}
            ></adaptive-data>`
      }`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has("failure")) return;
    // The error is at the end of what was printed.
    for (const text of this.renderRoot.querySelectorAll("pre")) text.scrollTop = text.scrollHeight;
  }

  private actions({ id, state, job }: ShownLearner): (TemplateResult | typeof nothing)[] {
    const { canAct } = this;
    const verb = learnerVerbs.find((each) => statesFor[each].includes(state));
    return [
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
}

function section(label: string, when: TemplateResult, text: string, isOpen: boolean): TemplateResult {
  return html`<details ?open=${isOpen}>
    <summary>${label} ${when}</summary>
    <pre tabindex="0" aria-label=${label}>${text}</pre>
  </details>`;
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

/** What should be known of its data. */
function remarkOf({ remark }: ShownLearner): TemplateResult | typeof nothing {
  return remark === null ? nothing : html`<div class="remark">⚠ ${remark}</div>`;
}

function noDataText({ state, npoints, fname }: ShownLearner): string {
  if (state === "running") return "Waiting for its first points…";
  if (npoints === 0) return state === "waiting" ? "No points yet: it waits for a job." : "No points yet.";
  return `Its ${formatCount(npoints)} points are in ${fname}; they cannot be drawn.`;
}

customElements.define("adaptive-learner", LearnerPanelElement);
