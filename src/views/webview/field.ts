import { css, html, LitElement, type PropertyValues, type TemplateResult } from "lit";
import { colourOf } from "../colourMap";
import { type Field, fraction, type Interval, isSameSpan, nearestPoint, rasterize, spanOf, ticksIn } from "../field";
import { formatNumber } from "../format";
import { given } from "./given";
import { LooksController } from "./looks";

const margin = { top: 10, right: 84, bottom: 38, left: 64 };
const barWidth = 12;
const dotRadius = 2.5;
/** How near the pointer must be to a point, as a fraction of the plot. */
const reach = 0.04;

/** Values over a plane: coloured between the points, or at them, with axes and a colour bar. */
export class FieldElement extends LitElement {
  static override properties = {
    ...given("field"),
    label: {},
    showsPoints: { type: Boolean },
    pointed: { state: true },
  };
  static override styles = css`
    :host {
      display: block;
      position: relative;
      overflow: hidden;
    }
    canvas {
      position: absolute;
      inset: 0;
      width: 100%;
      height: 100%;
    }
    .readout {
      position: absolute;
      top: 12px;
      right: 8px;
      padding: 1px 6px;
      pointer-events: none;
      background: var(--vscode-editorHoverWidget-background);
      color: var(--vscode-editorHoverWidget-foreground);
      border: 1px solid var(--vscode-editorHoverWidget-border);
      font-variant-numeric: tabular-nums;
    }
  `;
  field: Field | null = null;
  /** What the plot shows, for who does not see it. */
  label = "";
  showsPoints = true;
  private pointed: number | null = null;

  constructor() {
    super();
    const draw = (): void => this.draw();
    new LooksController(this, { onSize: draw, onTheme: draw });
  }

  override render(): TemplateResult {
    return html`<canvas
        role="img"
        aria-label=${this.label}
        @pointermove=${(event: PointerEvent) => this.point(event)}
        @pointerleave=${() => (this.pointed = null)}
      ></canvas>
      ${this.readout()}`;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("field") || changed.has("showsPoints")) this.draw();
  }

  private readout(): TemplateResult | null {
    const { field, pointed } = this;
    if (field === null || pointed === null) return null;
    const values = [field.x[pointed], field.y[pointed], field.value[pointed]];
    const text = field.labels.map((label, i) => `${label} = ${formatNumber(values[i] ?? 0)}`).join("  ");
    return html`<div class="readout">${text}</div>`;
  }

  private point(event: PointerEvent): void {
    if (this.field === null) return;
    const plot = plotBox(this.clientWidth, this.clientHeight, this.field);
    const at = [(event.offsetX - plot.left) / plot.width, 1 - (event.offsetY - plot.top) / plot.height] as const;
    this.pointed = nearestPoint(this.field, at, reach);
  }

  private draw(): void {
    const canvas = this.renderRoot.querySelector("canvas");
    const { field, clientWidth: width, clientHeight: height } = this;
    const context = canvas?.getContext("2d");
    if (!canvas || !context || field === null || width === 0 || height === 0) return;
    const scale = window.devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const plot = plotBox(width, height, field);
    const span = spanOf(field.value);
    if (field.isFilled) {
      // In device pixels: putImageData knows no scale.
      const [columns, rows] = [Math.round(plot.width * scale), Math.round(plot.height * scale)];
      const image = new ImageData(rasterize(field, span, columns, rows), columns, rows);
      context.putImageData(image, Math.round(plot.left * scale), Math.round(plot.top * scale));
    }
    context.scale(scale, scale);
    const style = getComputedStyle(this);
    const foreground = style.getPropertyValue("--vscode-foreground").trim() || style.color;
    context.font = `11px ${style.fontFamily}`;
    if (this.showsPoints || !field.isFilled) drawPoints(context, field, span, plot, foreground);
    drawAxes(context, field, plot, foreground);
    drawColourBar(context, span, field.labels[2], plot, foreground);
  }
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

function plotBox(width: number, height: number, { bounds }: Field): Box {
  const room = {
    width: Math.max(1, width - margin.left - margin.right),
    height: Math.max(1, height - margin.top - margin.bottom),
  };
  const size = isSameSpan(bounds) ? Math.min(room.width, room.height) : null;
  const box = size === null ? room : { width: size, height: size };
  return { left: margin.left + (room.width - box.width) / 2, top: margin.top, ...box };
}

function drawPoints(
  context: CanvasRenderingContext2D,
  field: Field,
  span: Interval,
  plot: Box,
  foreground: string,
): void {
  const { x, y, value, bounds, isFilled } = field;
  for (let i = 0; i < x.length; i++) {
    const px = plot.left + fraction(x[i] ?? 0, bounds[0]) * plot.width;
    const py = plot.top + (1 - fraction(y[i] ?? 0, bounds[1])) * plot.height;
    context.beginPath();
    context.arc(px, py, isFilled ? 1 : dotRadius, 0, 2 * Math.PI);
    context.globalAlpha = isFilled ? 0.5 : 1;
    context.fillStyle = isFilled ? foreground : `rgb(${colourOf(fraction(value[i] ?? 0, span)).join(" ")})`;
    context.fill();
  }
  context.globalAlpha = 1;
}

function drawAxes(context: CanvasRenderingContext2D, field: Field, plot: Box, foreground: string): void {
  const { bounds, labels } = field;
  const bottom = plot.top + plot.height;
  context.strokeStyle = foreground;
  context.fillStyle = foreground;
  context.lineWidth = 1;
  context.strokeRect(plot.left - 0.5, plot.top - 0.5, plot.width + 1, plot.height + 1);
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of ticksIn(bounds[0], plot.width / 80)) {
    const x = plot.left + fraction(tick, bounds[0]) * plot.width;
    line(context, x, bottom, x, bottom + 4);
    context.fillText(formatNumber(tick), x, bottom + 6);
  }
  context.fillText(labels[0], plot.left + plot.width / 2, bottom + 22);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of ticksIn(bounds[1], plot.height / 40)) {
    const y = plot.top + (1 - fraction(tick, bounds[1])) * plot.height;
    line(context, plot.left - 4, y, plot.left, y);
    context.fillText(formatNumber(tick), plot.left - 7, y);
  }
  sideways(context, labels[1], plot.left - margin.left + 12, plot.top + plot.height / 2);
}

function drawColourBar(
  context: CanvasRenderingContext2D,
  span: Interval,
  label: string,
  plot: Box,
  foreground: string,
): void {
  const left = plot.left + plot.width + 14;
  for (let i = 0; i < plot.height; i++) {
    context.fillStyle = `rgb(${colourOf(1 - i / plot.height).join(" ")})`;
    context.fillRect(left, plot.top + i, barWidth, 1.5);
  }
  context.strokeRect(left - 0.5, plot.top - 0.5, barWidth + 1, plot.height + 1);
  context.fillStyle = foreground;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const tick of ticksIn(span, plot.height / 40)) {
    const y = plot.top + (1 - fraction(tick, span)) * plot.height;
    line(context, left + barWidth, y, left + barWidth + 4, y);
    context.fillText(formatNumber(tick), left + barWidth + 6, y);
  }
  sideways(context, label, left + barWidth + 50, plot.top + plot.height / 2);
}

function sideways(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0);
  context.restore();
}

function line(context: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  context.beginPath();
  context.moveTo(x1, y1);
  context.lineTo(x2, y2);
  context.stroke();
}

customElements.define("adaptive-field", FieldElement);
