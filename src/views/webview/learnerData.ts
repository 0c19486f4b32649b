import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { formatCount, plural } from "../../scheduler/state/counts";
import type { ShownLearner, ToPage } from "../messages";
import { previewSummary } from "../previewText";
import { button, dropdown, toggle } from "./controls";
import { given } from "./given";
import { previewGrid, previewView } from "./previewView";
import { commonStyles, stackStyles } from "./styles";

type Preview = Extract<ToPage, { type: "preview" }>["preview"];
type SimplePreview = Exclude<Preview, { kind: "balancing" }>;
type BalancingPreview = Extract<Preview, { kind: "balancing" }>;
type PointsPreview = Extract<Preview, { kind: "points" }>;

/** A learner's data, drawn or as a table, with what can be chosen of it. */
export class LearnerDataElement extends LitElement {
  static override properties = {
    ...given("learner", "preview"),
    showsTable: { state: true },
    showsPoints: { state: true },
    axes: { state: true },
    child: { state: true },
  };
  static override styles = [
    commonStyles,
    stackStyles,
    css`
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 4px 12px;
      }
      .controls {
        display: flex;
        flex-wrap: wrap;
        white-space: nowrap;
        gap: 6px;
        margin-left: auto;
      }
      adaptive-plot,
      adaptive-field,
      adaptive-grid {
        flex: 1;
        min-height: 90px;
      }
      .multiples {
        flex: 1;
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(200px, 1fr));
        grid-auto-rows: 190px;
        gap: 8px;
        min-height: 200px;
        overflow: auto;
      }
      figure {
        display: flex;
        flex-direction: column;
        margin: 0;
        min-width: 0;
      }
      figcaption {
        text-align: center;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .multiples :is(adaptive-plot, adaptive-field, adaptive-grid) {
        min-height: 0;
      }
    `,
  ];
  learner: ShownLearner | null = null;
  preview: Preview | null = null;
  onSavePlot: (name: string, pngBase64: string) => void = () => undefined;

  private showsTable = false;
  private showsPoints = true;
  /** Which variables are drawn of a function of several. */
  private axes: readonly [number, number] = [0, 1];
  /** Which learner of a BalancingLearner is drawn large. */
  private child: number | null = null;

  override render(): TemplateResult | typeof nothing {
    const { learner, preview } = this;
    if (learner === null || preview === null) return nothing;
    const facts = preview.facts.map(
      ({ label, text }) => html`<span><span class="quiet">${label}</span> ${text}</span>`,
    );
    return html`<div class="bar number">
        ${facts}
        <div class="controls">${this.controls(preview)}</div>
      </div>
      ${preview.kind === "balancing" ? this.multiples(learner, preview) : this.single(learner, preview)}`;
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // Another learner's data may have other axes, and no such child.
    if (changed.has("learner") && changed.get("learner")?.id !== this.learner?.id) {
      this.axes = [0, 1];
      this.child = null;
    }
  }

  private single(learner: ShownLearner, preview: SimplePreview): TemplateResult {
    const label = previewSummary(preview, learner);
    if (this.showsTable) return previewGrid(preview, learner.label);
    return previewView(preview, { label, axes: this.axes, showsPoints: this.showsPoints });
  }

  /** The learners of a BalancingLearner as small multiples, or the one that was chosen. */
  private multiples(learner: ShownLearner, { children, total }: BalancingPreview): TemplateResult {
    const chosen = this.child === null ? undefined : children[this.child];
    if (chosen?.preview) {
      return html`<div class="bar">
          ${button({ label: "All learners", onClick: () => (this.child = null) })} <span>${chosen.label}</span>
        </div>
        ${this.single({ ...learner, label: chosen.label, npoints: chosen.preview.npoints, loss: null }, chosen.preview)}`;
    }
    const options = { axes: this.axes, showsPoints: false };
    return html`<div class="multiples">
        ${children.map(
          ({ label, preview }, i) =>
            html`<figure>
              ${
                preview === null
                  ? html`<div class="empty">No points yet.</div>`
                  : previewView(preview, { ...options, label: `${label}: ${plural(preview.npoints, "point")}` })
              }
              <figcaption>${preview === null ? label : button({ label, onClick: () => (this.child = i) })}</figcaption>
            </figure>`,
        )}
      </div>
      ${total > children.length ? html`<div class="quiet">The first ${children.length} of ${formatCount(total)}.</div>` : nothing}`;
  }

  /** What belongs to the kind of plot that is drawn. */
  private controls(preview: Preview): (TemplateResult | typeof nothing)[] {
    const { showsTable } = this;
    if (preview.kind === "balancing" && this.child === null) return [this.saveButton()];
    const shown = preview.kind === "balancing" ? (preview.children[this.child ?? 0]?.preview ?? null) : preview;
    return [
      shown?.kind === "points" && !showsTable ? this.axisChoice(shown) : nothing,
      shown?.kind === "surface" && !showsTable
        ? toggle({ label: "Points", isOn: this.showsPoints, onClick: () => (this.showsPoints = !this.showsPoints) })
        : nothing,
      button({
        label: showsTable ? "Show data as plot" : "Show data as table",
        onClick: () => (this.showsTable = !showsTable),
      }),
      showsTable ? nothing : this.saveButton(),
    ];
  }

  private axisChoice({ labels }: PointsPreview): TemplateResult {
    const options = labels.map((label, i) => ({ value: String(i), label }));
    const choose = (which: 0 | 1) => (value: string) => {
      this.axes = which === 0 ? [Number(value), this.axes[1]] : [this.axes[0], Number(value)];
    };
    return html`${dropdown({ label: "Horizontal axis", value: String(this.axes[0]), options, onChange: choose(0) })}
    ${dropdown({ label: "Vertical axis", value: String(this.axes[1]), options, onChange: choose(1) })}`;
  }

  private saveButton(): TemplateResult {
    return button({ label: "Save plot", onClick: () => this.savePlot() });
  }

  /** The picture as it stands, on the background that it stands on. */
  private savePlot(): void {
    const canvases = [...this.renderRoot.querySelectorAll("adaptive-plot, adaptive-field")].flatMap(
      (element) => element.shadowRoot?.querySelector("canvas") ?? [],
    );
    if (canvases.length === 0 || this.learner === null) return;
    this.onSavePlot(this.learner.label, picture(canvases, getComputedStyle(document.body).backgroundColor));
  }
}

/** Canvases beside one another as a PNG, base64. */
function picture(canvases: readonly HTMLCanvasElement[], background: string): string {
  const columns = Math.ceil(Math.sqrt(canvases.length));
  const width = Math.max(...canvases.map((canvas) => canvas.width));
  const height = Math.max(...canvases.map((canvas) => canvas.height));
  const whole = document.createElement("canvas");
  whole.width = columns * width;
  whole.height = Math.ceil(canvases.length / columns) * height;
  const context = whole.getContext("2d");
  if (context) {
    context.fillStyle = background;
    context.fillRect(0, 0, whole.width, whole.height);
    for (const [i, canvas] of canvases.entries()) {
      context.drawImage(canvas, (i % columns) * width, Math.floor(i / columns) * height);
    }
  }
  return whole.toDataURL("image/png").slice("data:image/png;base64,".length);
}

customElements.define("adaptive-data", LearnerDataElement);
