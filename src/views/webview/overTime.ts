import { html, type TemplateResult } from "lit";
import { formatCount } from "../format";
import type { ToPage } from "../messages";
import type { PlotDescription } from "./plotOptions";

type Samples = Extract<ToPage, { type: "series" }>["samples"];

const points: PlotDescription = {
  series: [{ label: "points", kind: "area" }],
  xLabel: "",
  yLabel: "points",
  isTime: true,
  xRange: null,
  startsAtZero: true,
};
const jobs: PlotDescription = {
  ...points,
  series: [
    { label: "running", kind: "steps" },
    { label: "queued", kind: "steps" },
  ],
  yLabel: "jobs",
};

/** Points and jobs of the whole run over time. */
export function overTime(samples: Samples): TemplateResult {
  const last = samples.at(-1);
  if (last === undefined || samples.length < 2) {
    return html`<p class="quiet">The curves begin with the first points.</p>`;
  }
  const seconds = samples.map((sample) => sample.time / 1000);
  return html`<adaptive-plot
      .description=${points}
      .data=${[seconds, samples.map((sample) => sample.npoints)]}
      .label=${`Points over time: now ${formatCount(last.npoints)}`}
    ></adaptive-plot>
    <adaptive-plot
      .description=${jobs}
      .data=${[seconds, samples.map((sample) => sample.running), samples.map((sample) => sample.queued)]}
      .label=${`Jobs over time: now ${last.running} running, ${last.queued} queued`}
    ></adaptive-plot>`;
}
