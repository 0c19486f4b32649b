import { html, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import type { LinePreview, SimplePreview } from "../../scheduler/workers/messages";
import { componentLabels, curveData } from "../curve";
import { fieldOfPoints, fieldOfSurface } from "../field";
import { formatNumber } from "../format";
import { previewTable } from "../previewText";
import type { GridColumn } from "./grid";
import type { PlotDescription } from "./plotOptions";

export interface PreviewOptions {
  /** The plot in a sentence, for who does not see it. */
  label: string;
  /** Which two variables of several are drawn. */
  axes: readonly [number, number];
  showsPoints: boolean;
}

/** A learner's data, drawn. */
export function previewView(preview: SimplePreview, { label, axes, showsPoints }: PreviewOptions): TemplateResult {
  switch (preview.kind) {
    case "line":
      return plot(lineDescription(preview), () => lineData(preview), preview, label);
    case "histogram": {
      const { edges, counts, xLabel, mean } = preview;
      const description = {
        ...plain,
        series: [{ label: "samples", kind: "bars" as const }],
        xLabel,
        yLabel: "samples",
      };
      const span = [edges[0] ?? 0, edges[edges.length - 1] ?? 1] as const;
      const left = edges.slice(0, -1).map((edge) => edge ?? 0);
      return plot(
        { ...description, xRange: span, startsAtZero: true, mark: mean },
        () => [left, counts],
        preview,
        label,
      );
    }
    case "sequence": {
      const { index, values, total } = preview;
      if (values.every((value) => value === null)) return previewGrid(preview, label);
      const series = [{ label: "value", kind: "curve" as const }];
      const description = {
        ...plain,
        series,
        xLabel: "index",
        yLabel: "value",
        xRange: [0, Math.max(1, total - 1)] as const,
      };
      return plot(description, () => [index, values], preview, label);
    }
    case "surface":
      return html`<adaptive-field
        .field=${guard([preview], () => fieldOfSurface(preview))}
        .label=${label}
        .showsPoints=${showsPoints}
      ></adaptive-field>`;
    case "points":
      return html`<adaptive-field
        .field=${guard([preview, ...axes], () => fieldOfPoints(preview, axes))}
        .label=${label}
      ></adaptive-field>`;
  }
}

/** The same as a table. */
export function previewGrid(preview: SimplePreview, label: string): TemplateResult {
  const { columns, values } = previewTable(preview);
  return html`<adaptive-grid
    .label=${`Data: ${label}`}
    .columns=${columns.map((name, i): GridColumn => ({ key: String(i), label: name, isNumber: true, mayShrink: preview.kind === "sequence", rank: null, sort: null }))}
    .total=${values[0]?.length ?? 0}
    .cells=${(row: number) => values.map((column) => ({ content: textOf(column[row]) }))}
  ></adaptive-grid>`;
}

function textOf(value: number | string | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? formatNumber(value) : value;
}

const plain = { isTime: false, startsAtZero: false } as const;
type Columns = readonly (readonly (number | null)[])[];

function plot(
  description: PlotDescription,
  data: () => Columns,
  preview: SimplePreview,
  label: string,
): TemplateResult {
  return html`<adaptive-plot
    .description=${description}
    .data=${guard([preview], data)}
    .label=${label}
  ></adaptive-plot>`;
}

function lineDescription(preview: LinePreview): PlotDescription {
  const { xLabel, yLabel, bounds, errors } = preview;
  const edges =
    errors === null
      ? []
      : [
          { label: "", kind: "edge" as const },
          { label: "", kind: "edge" as const },
        ];
  const curves = componentLabels(preview).map((label) => ({ label, kind: "curve" as const }));
  return { ...plain, series: [...curves, ...edges], xLabel, yLabel, xRange: bounds };
}

/** With the standard errors, the upper and the lower edge of their band behind the curve. */
function lineData(preview: LinePreview): Columns {
  const curve = curveData(preview);
  const { x, errors } = preview;
  if (errors === null) return curve;
  const kept = x.flatMap((value, i) => (value === null ? [] : [errors[i] ?? 0]));
  const edge = (sign: number) => (curve[1] ?? []).map((y, i) => (y === null ? null : y + sign * (kept[i] ?? 0)));
  return [...curve, edge(1), edge(-1)];
}
