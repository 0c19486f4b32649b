import { plural } from "../state/counts";
import type { AdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import type { ToldLearner, Standing } from "./attended";
import type { Program } from "./program";
import { figuresLine, formatDuration, progressLine, totalOf, type Figures } from "./progressView";

/** How often the progress is shown. */
export const frameMs = 500;
/** Without a terminal, a line at this interval. */
const lineMs = 10_000;

/** What a person or a program sees of a run. */
export interface RunView {
  begin(standing: Standing, directory: RunDirectory, isResumed: boolean): void;
  frame(figures: Figures): void;
  remark(text: string): void;
  notice(notice: AdaptiveError): void;
  stopping(): void;
  end(figures: Figures, told: readonly ToldLearner[]): void;
  stay(): void;
}

export function createView(json: boolean, program: Program): RunView {
  if (json) return jsonView(program);
  return process.stdout.isTTY ? terminalView(program) : linesView(program);
}

function jsonView({ printJson }: Program): RunView {
  let last = "";
  return {
    begin: ({ run: { runId }, learners }, directory, isResumed) => {
      const total = totalOf(learners);
      printJson({ event: "begin", run: directory.own, runId, resumed: isResumed, learners: total });
    },
    frame: ({ learners, npoints, jobs, elapsedMs }) => {
      const figures = { learners, npoints, jobs };
      if (JSON.stringify(figures) === last) return;
      last = JSON.stringify(figures);
      printJson({ event: "progress", ...figures, seconds: elapsedMs / 1000 });
    },
    remark: (text) => printJson({ event: "remark", text }),
    notice: ({ code, message, hint }) => printJson({ event: "notice", code, message, hint }),
    stopping: () => printJson({ event: "stopping" }),
    end: ({ learners, npoints, elapsedMs }, told) => {
      const failed = told.filter(isFailed).map(({ id, fname, error }) => ({ id, fname, error }));
      printJson({ event: "end", learners, npoints, seconds: elapsedMs / 1000, failed });
    },
    stay: () => printJson({ event: "serving" }),
  };
}

function linesView({ print }: Program): RunView {
  let printedAt = 0;
  let last = "";
  return {
    ...peopleView(print),
    frame: (figures) => {
      const { done, failed } = figures.learners;
      const mark = `${done} ${failed}`;
      if (figures.elapsedMs - printedAt < lineMs && (mark === last || figures.elapsedMs - printedAt < frameMs)) return;
      printedAt = figures.elapsedMs;
      last = mark;
      print(figuresLine(figures));
    },
  };
}

function terminalView({ print }: Program): RunView {
  // The bar is redrawn in place; whatever else is printed pushes it down.
  const clear = "\r\u001b[2K";
  // Some terminals say they have no columns at all.
  const bar = (figures: Figures) => `${clear}${progressLine(figures, process.stdout.columns || 80)}`;
  const people = peopleView((text) => print(`${clear}${text}`));
  return {
    ...people,
    frame: (figures) => process.stdout.write(bar(figures)),
    end: (figures, told) => {
      process.stdout.write(`${bar(figures)}\n`);
      people.end(figures, told);
    },
  };
}

function peopleView(print: (text: string) => void): Omit<RunView, "frame"> {
  let folder = "";
  return {
    begin: ({ run, learners }, directory, isResumed) => {
      folder = directory.path;
      const { queue, budget } = settingsOf(run);
      const cores = `${plural(budget, "core")} of this computer`;
      const where = `on ${queue === "local" ? cores : queueNames[queue]}`;
      const before = isResumed ? `, resumed with ${learners.done} done` : "";
      print(`${run.name}: ${plural(totalOf(learners), "learner")} ${where}${before}. Ctrl-C saves and stops.`);
    },
    remark: print,
    notice: ({ message, hint }) => print(hint ? `${message}\n  ${hint}` : message),
    stopping: () => print("Stopping: the learners save what they have. Ctrl-C again leaves the jobs running."),
    end: ({ elapsedMs, learners }, told) => {
      const failed = told.filter(isFailed);
      const remarked = told.filter(({ remark }) => remark !== null);
      for (const { fname, reason } of failed) print(`failed: ${fname}: ${reason ?? "no reason known"}`);
      for (const { fname, remark } of remarked.slice(0, shownRemarks)) print(`${fname}: ${remark ?? ""}`);
      if (remarked.length > shownRemarks) print(`More of this kind: adaptive-scheduler failures RUN`);
      const rest = learners.waiting + learners.running;
      const ending = rest > 0 ? `${plural(rest, "learner")} left; start again to resume` : `all ended`;
      print(
        `${learners.done} done, ${learners.failed} failed, ${ending} (${formatDuration(elapsedMs)}). Data: ${folder}`,
      );
    },
    stay: () => print("Serving until Ctrl-C, so that the editor can show the results."),
  };
}

function isFailed({ state }: ToldLearner): boolean {
  return state === "failed";
}

/** Of learners that something is to be said of; there may be thousands. */
const shownRemarks = 10;

const queueNames = { slurm: "Slurm" } as const;
