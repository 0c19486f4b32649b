import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { type LearnerVerb, learnerVerbs, statesFor } from "../../scheduler/control/learnerVerbs";
import type { LearnerId } from "../../scheduler/state/rows";
import { formatCount, nounFor } from "../../scheduler/state/counts";
import { formatAgo, formatDuration, formatLoss } from "../format";
import { learnerVerbWords } from "../learnerVerbs";
import { type NoData, noDataWords, stateWords, troubleWords } from "../learnerWords";
import type { ShownFailure, ShownLearner, ShownTrial, ToPage } from "../messages";
import { button, goToLine } from "./controls";
import { given } from "./given";
import { stateSign } from "./stateSign";
import { commonStyles, stackStyles } from "./styles";
import { trialNote } from "./trialNote";

type Preview = Extract<ToPage, { type: "preview" }>["preview"];

/** One learner: how it is, what is wrong with it, and its data, drawn or as a table. */
export class LearnerPanelElement extends LitElement {
  static override properties = given(
    ...["isChosen", "learner", "preview", "noData", "isOnline", "failure", "trial", "canAct", "nowMs"],
  );
  static override styles = [
    commonStyles,
    stackStyles,
    css`
      :host {
        overflow-y: auto;
      }
      .head,
      .facts {
        flex: none;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 16px;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      adaptive-data,
      .empty {
        flex: 1 0 130px;
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
      .output {
        max-height: 16em;
      }
      summary {
        cursor: pointer;
      }
      pre {
        margin: 4px 0 0;
        flex: none;
        overflow: auto;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
        padding: 6px 8px;
        background: var(--vscode-textCodeBlock-background);
        border: 1px solid var(--vscode-contrastBorder, transparent);
        font-family: var(--vscode-editor-font-family);
        font-size: var(--vscode-editor-font-size);
      }
      /* The plot comes before what is said twice. */
      @media (max-height: 460px) {
        :host {
          gap: 4px;
        }
        h2 {
          max-width: 100%;
          overflow: hidden;
          text-overflow: ellipsis;
          white-space: nowrap;
        }
        .actions {
          gap: 4px;
        }
        .facts {
          gap: 2px 10px;
        }
        .facts > .type {
          display: none;
        }
        adaptive-data,
        .empty {
          flex-basis: 100px;
        }
      }
    `,
  ];
  /** Whether a person has chosen a learner; its row may come later. */
  isChosen = false;
  learner: ShownLearner | null = null;
  preview: Preview | null = null;
  noData: NoData | null = null;
  isOnline = true;
  /** How it failed last. */
  failure: ShownFailure | null = null;
  trial: ShownTrial | null = null;
  canAct = false;
  nowMs = Date.now();
  onChange: (verb: LearnerVerb, learner: LearnerId) => void = () => undefined;
  onShowOutput: (job: string) => void = () => undefined;
  onGoToLine: (of: "failure" | "trial") => void = () => undefined;
  onSavePlot: (name: string, pngBase64: string) => void = () => undefined;

  override render(): TemplateResult {
    const { learner, noData, isOnline } = this;
    if (learner === null) {
      return html`<div class="empty">${this.isChosen ? "Loading…" : "Choose a learner to see its data."}</div>`;
    }
    return html`<div class="head">
        <h2 title=${learner.label}>${learner.label}</h2>
        <div class="actions">${this.actions(learner)}</div>
      </div>
      ${this.facts(learner)} ${this.trouble(learner)} ${remarkOf(learner)} ${this.failed(learner)}
      ${trialNote(this.trial, { nowMs: this.nowMs, onGoToLine: () => this.onGoToLine("trial") })}
      ${
        this.preview === null || (this.preview.npoints === 0 && learner.npoints === 0)
          ? html`<div class="empty">${noDataWords(learner, { why: noData, isOnline })}</div>`
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
    for (const text of this.renderRoot.querySelectorAll(".output")) text.scrollTop = text.scrollHeight;
  }

  /** Each in a place of its own, whether it can be done now or not: none comes under the pointer that is on another. */
  private actions({ id, state, job }: ShownLearner): TemplateResult[] {
    const { canAct } = this;
    const show = { label: "Show Output", isDisabled: !canAct || job === null };
    return [
      button({ ...show, onClick: () => job !== null && this.onShowOutput(job) }),
      ...learnerVerbs.map((verb) => {
        const isPossible = statesFor[verb].includes(state);
        return button({
          label: learnerVerbWords[verb].label,
          isPrimary: verb === "retry" && isPossible,
          isDisabled: !canAct || !isPossible,
          onClick: () => this.onChange(verb, id),
        });
      }),
    ];
  }

  private facts(learner: ShownLearner): TemplateResult {
    const { state, npoints, loss, job, changedAt, type } = learner;
    const since = html`<span class="quiet" title=${new Date(changedAt).toLocaleString()}
      >${state === "running" ? `for ${formatDuration(this.nowMs - changedAt)}` : formatAgo(changedAt, this.nowMs)}</span
    >`;
    // The data may be a moment ahead of the learner's row.
    const points = Math.max(npoints, this.preview?.npoints ?? 0);
    return html`<div class="facts number">
      <span>${stateSign(state, stateWords(learner))} ${since}</span>
      <span>${formatCount(points)} <span class="quiet">${nounFor(points, "point")}</span></span>
      <span title=${loss ?? nothing}><span class="quiet">loss</span> ${formatLoss(loss)}</span>
      ${job === null ? nothing : html`<span><span class="quiet">job</span> ${job}</span>`}
      <span class="type quiet">${type}</span>
    </div>`;
  }

  /** What is kept of its failure: the traceback, and what the job printed. */
  private failed({ state, error }: ShownLearner): TemplateResult | typeof nothing {
    if (this.failure === null || (state !== "failed" && error === null)) return nothing;
    const { traceback, output, job, at } = this.failure;
    const when = html`<span class="quiet" title=${new Date(at).toLocaleString()}>${formatAgo(at, this.nowMs)}</span>`;
    const isOpen = traceback === null;
    return html`${traceback === null ? nothing : section("Traceback", when, traceback.trimEnd(), { isOpen: true, kind: "" })}
    ${output === "" ? nothing : section(`Output of job ${job}`, when, output.trimEnd(), { isOpen, kind: "output" })}`;
  }

  /** What is wrong with a learner, in a sentence, and the way to the line. */
  private trouble(learner: ShownLearner): TemplateResult | typeof nothing {
    const text = troubleWords(learner);
    if (text === null) return nothing;
    if (learner.state !== "failed" && learner.error === null) return html`<div class="quiet">${text}</div>`;
    const place = this.failure?.place ?? null;
    return html`<div class="trouble">${text} ${goToLine(place, () => this.onGoToLine("failure"))}</div>`;
  }
}

function section(
  label: string,
  when: TemplateResult,
  text: string,
  { isOpen, kind }: { isOpen: boolean; kind: string },
): TemplateResult {
  return html`<details ?open=${isOpen}>
    <summary>${label} ${when}</summary>
    <pre class=${kind} tabindex="0" aria-label=${label}>${text}</pre>
  </details>`;
}

/** What should be known of its data. */
function remarkOf({ remark }: ShownLearner): TemplateResult | typeof nothing {
  return remark === null ? nothing : html`<div class="remark">⚠ ${remark}</div>`;
}

customElements.define("adaptive-learner", LearnerPanelElement);
