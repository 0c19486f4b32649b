import { html, type TemplateResult } from "lit";
import { guard } from "lit/directives/guard.js";
import { formatCount } from "../../scheduler/state/counts";
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

/** Points and jobs of the whole run over time; null while they have not come. */
export function overTime(samples: Samples | null): TemplateResult {
  if (samples === null) return html`<p class="quiet">Loading the curves…</p>`;
  const last = samples.at(-1);
  if (last === undefined || samples.length < 2) {
    return html`<p class="quiet">The curves begin with the first points.</p>`;
  }
  const seconds = (): number[] => samples.map((sample) => sample.time / 1000);
  const column = (name: "npoints" | "running" | "queued"): number[] => samples.map((sample) => sample[name]);
  // Drawn again only when there are other samples.
  return html`<adaptive-plot
      .description=${points}
      .data=${guard([samples], () => [seconds(), column("npoints")])}
      .label=${`Points over time: now ${formatCount(last.npoints)}`}
    ></adaptive-plot>
    <adaptive-plot
      .description=${jobs}
      .data=${guard([samples], () => [seconds(), column("running"), column("queued")])}
      .label=${`Jobs over time: now ${last.running} running, ${last.queued} queued`}
    ></adaptive-plot>`;
}
