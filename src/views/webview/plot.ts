import { css, html, LitElement, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import uPlot from "uplot";
import uplotCss from "uplot/dist/uPlot.min.css";
import { given } from "./given";
import { LooksController } from "./looks";
import { type PlotDescription, plotOptions, type PlotTheme, zoomOf } from "./plotOptions";

const seriesColors = [
  "--vscode-charts-blue",
  "--vscode-charts-yellow",
  "--vscode-charts-purple",
  "--vscode-charts-green",
];

/** A plot that fills its element. Drawn anew when its description or the theme changes, else only its data. */
export class PlotElement extends LitElement {
  static override properties = { ...given("description", "data"), label: {} };
  static override styles = [
    unsafeCSS(uplotCss),
    css`
      :host {
        display: block;
        position: relative;
        overflow: hidden;
      }
      .frame {
        position: absolute;
        inset: 0;
      }
      .uplot {
        font-family: inherit;
      }
      .u-legend {
        font-size: inherit;
        position: absolute;
        top: 0;
        right: 4px;
        margin: 0;
      }
      .u-legend th {
        font-weight: normal;
      }
      .u-select {
        background: var(--vscode-editor-selectionBackground);
      }
      .u-hz .u-cursor-x,
      .u-hz .u-cursor-y {
        border-color: var(--vscode-descriptionForeground);
      }
    `,
  ];
  description: PlotDescription | null = null;
  /** x, sorted, and then y of each series. */
  data: uPlot.AlignedData = [[]];
  /** What the plot shows, for who does not see it. */
  label = "";

  private plot: uPlot | null = null;

  constructor() {
    super();
    new LooksController(this, { onSize: () => this.resize(), onTheme: () => this.draw() });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.plot?.destroy();
    this.plot = null;
  }

  override render(): TemplateResult {
    return html`<div class="frame" role="img" aria-label=${this.label}></div>`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    const isOther =
      changed.has("description") && JSON.stringify(changed.get("description")) !== JSON.stringify(this.description);
    if (this.plot === null || isOther) this.draw();
    else if (changed.has("data")) this.replaceData(this.plot);
  }

  private draw(): void {
    const frame = this.renderRoot.querySelector<HTMLElement>(".frame");
    if (frame === null || this.description === null || this.clientWidth === 0) return;
    this.plot?.destroy();
    const size = { width: this.clientWidth, height: this.clientHeight };
    this.plot = new uPlot(plotOptions(this.description, themeOf(this), size), this.data, frame);
  }

  private replaceData(plot: uPlot): void {
    const zoom = zoomOf(plot, this.description?.xRange ?? null);
    plot.setData(this.data);
    if (zoom !== null) plot.setScale("x", zoom);
  }

  private resize(): void {
    if (this.plot === null) this.draw();
    else this.plot.setSize({ width: this.clientWidth, height: this.clientHeight });
  }
}

function themeOf(element: Element): PlotTheme {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const foreground = color("--vscode-foreground") || style.color;
  return {
    foreground,
    grid: `color-mix(in srgb, ${foreground} 14%, transparent)`,
    font: `11px ${style.fontFamily}`,
    colors: seriesColors.map((name) => color(name) || foreground),
  };
}

customElements.define("adaptive-plot", PlotElement);
