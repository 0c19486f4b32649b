import { Log } from "../log";
import { pauseCodes } from "../jobs/deaths";
import { Scheduler } from "../server";
import type { AdaptiveError } from "../state/errors";
import type { Model } from "../state/model";
import { hasEnded } from "../state/changes";
import { learnerStates, type LearnerRow } from "../state/rows";
import { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import { createRun } from "../study/createRun";
import { configurationOf, readSources, type StartOptions } from "../study/settings";
import type { CopyWish } from "../study/place";
import { exitCodes, type Program } from "./program";
import { figuresLine, formatDuration, progressLine, type Figures } from "./progressView";
import { endAtOnce } from "./serve";
import { updateBeforeStart } from "./update";
import { formatCount, nounFor, plural } from "../state/counts";

export interface RunOptions extends StartOptions {
  json: boolean;
  /** The port to listen at; null for any free one. */
  port: number | null;
  ifCopied: CopyWish;
  /** Goes on serving when every learner has ended. */
  stay: boolean;
  /** Agrees to what became of learners in an edited learners file. */
  accept: boolean;
  /** Continues done learners that miss a goal that was raised. */
  reopen: boolean;
}

const frameMs = 500;
/** Without a terminal, a line at this interval. */
const lineMs = 10_000;

/**
 * The headless main job: makes the study's run or resumes it, serves it with its progress shown, and
 * ends when every learner has. Ctrl-C has the learners saved and leaves the run to be resumed.
 */
export async function run(options: RunOptions, program: Program): Promise<number> {
  const found = RunDirectory.ofStudy(options.learnersFile);
  const isResumed = await found.hasRun();
  const warnings: string[] = [];
  const directory = isResumed
    ? found
    : await createRun(options, program.assets, Date.now, (warning) => warnings.push(warning));
  // What is wrong in a file starts no scheduler.
  if (isResumed) await readSources(options, null);
  const log = new Log(directory.log);
  const view = createView(options, program);
  const closed = new Signal<"closed">();
  const paused = new Signal<"paused">();
  const scheduler = await Scheduler.serve({
    directory,
    assets: program.assets,
    log,
    port: options.port,
    ifCopied: options.ifCopied,
    onDidEnd: () => closed.send("closed"),
    onFatal: (error) => endAtOnce(log, error),
    onNotice: (notice) => {
      if (notice) view.notice(notice);
      if (notice && pauseCodes.has(notice.code)) paused.send("paused");
    },
  });
  const remarks = isResumed ? await bringUpToDate(scheduler, options, program) : warnings;
  view.begin(scheduler.store.model, directory, isResumed);
  remarks.forEach(view.remark);
  const interrupted = onInterrupt(scheduler, view, program);
  await scheduler.verbs.startJobs();
  const startedAt = Date.now();
  const timer = setInterval(() => view.frame(figuresOf(scheduler, startedAt)), frameMs);
  const ending = await Promise.race([endOfWork(scheduler), paused.received, interrupted, closed.received]);
  clearInterval(timer);
  view.end(figuresOf(scheduler, startedAt), scheduler.store.model);
  if (options.stay && ending === "over") {
    view.stay();
    await Promise.race([interrupted, closed.received]);
  }
  const failed = [...scheduler.store.model.learners.values()].some(({ state }) => state === "failed");
  await scheduler.close();
  if (ending === "interrupted") return exitCodes.interrupted;
  if (ending === "paused") return exitCodes.error;
  return failed ? exitCodes.learnersFailed : exitCodes.success;
}

/** What was typed or edited since a run was made holds from now on; returns what to say of it. */
async function bringUpToDate(scheduler: Scheduler, options: RunOptions, program: Program): Promise<string[]> {
  const { updates, verbs } = scheduler;
  try {
    await verbs.configure(await configurationOf(options, scheduler.store.model.run));
    const updated = await updateBeforeStart(updates, options.accept, program);
    const { done, missed } = verbs.missedGoals();
    const words = `${formatCount(missed.length)} of ${plural(done, "done learner")} ${nounFor(missed.length, "misses", "miss")} the goal`;
    const reopens = missed.length > 0 && (options.reopen || (await program.confirm(`${words}: continue those?`)));
    if (reopens) await verbs.reopenLearners({ learners: missed });
    const left = missed.length > 0 && `${words}${reopens ? " and go on" : "; --reopen continues those"}.`;
    return [updated, left].filter((remark) => typeof remark === "string");
  } catch (error) {
    await scheduler.close();
    throw error;
  }
}

/** Returns when every learner has ended, and every job with it. */
async function endOfWork({ store }: Scheduler): Promise<"over"> {
  const { learnerCounts, liveJobs } = store.model;
  await store.until(
    () => liveJobs.size === 0 && !learnerStates.some((state) => learnerCounts[state] > 0 && !hasEnded(state)),
  );
  return "over";
}

/** Ctrl-C: once stops the jobs, which save; twice leaves at once, and the jobs go on. */
async function onInterrupt(scheduler: Scheduler, view: View, program: Program): Promise<"interrupted"> {
  await interruption();
  view.stopping();
  const again = interruption().then(() => program.print("The jobs go on; the next start finds them."));
  await scheduler.verbs.setActivity("stopped", "interrupted in the terminal", false);
  await Promise.race([again, noJobs(scheduler)]);
  return "interrupted";
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

async function noJobs({ store }: Scheduler): Promise<void> {
  while (store.model.liveJobs.size > 0) await new Promise((resolve) => setTimeout(resolve, frameMs));
}

function figuresOf({ store, board }: Scheduler, startedAt: number): Figures {
  const { learnerCounts, liveJobs } = store.model;
  return { learners: learnerCounts, npoints: board.npoints, jobs: liveJobs.size, elapsedMs: Date.now() - startedAt };
}

/** What a person or a program sees of a run. */
interface View {
  begin(model: Model, directory: RunDirectory, isResumed: boolean): void;
  frame(figures: Figures): void;
  remark(text: string): void;
  notice(notice: AdaptiveError): void;
  stopping(): void;
  end(figures: Figures, model: Model): void;
  stay(): void;
}

function createView({ json }: RunOptions, program: Program): View {
  if (json) return jsonView(program);
  return process.stdout.isTTY ? terminalView(program) : linesView(program);
}

function jsonView({ printJson }: Program): View {
  let last = "";
  return {
    begin: (model, directory, isResumed) => {
      const { runId } = model.run;
      printJson({ event: "begin", run: directory.own, runId, resumed: isResumed, learners: model.learners.size });
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
    end: ({ learners, npoints, elapsedMs }, model) => {
      const failed = failedLearners(model).map(({ id, fname, error }) => ({ id, fname, error }));
      printJson({ event: "end", learners, npoints, seconds: elapsedMs / 1000, failed });
    },
    stay: () => printJson({ event: "serving" }),
  };
}

function linesView({ print }: Program): View {
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

function terminalView({ print }: Program): View {
  // The bar is redrawn in place; whatever else is printed pushes it down.
  const clear = "\r\u001b[2K";
  // Some terminals say they have no columns at all.
  const bar = (figures: Figures) => `${clear}${progressLine(figures, process.stdout.columns || 80)}`;
  const people = peopleView((text) => print(`${clear}${text}`));
  return {
    ...people,
    frame: (figures) => process.stdout.write(bar(figures)),
    end: (figures, model) => {
      process.stdout.write(`${bar(figures)}\n`);
      people.end(figures, model);
    },
  };
}

function peopleView(print: (text: string) => void): Omit<View, "frame"> {
  let folder = "";
  return {
    begin: (model, directory, isResumed) => {
      folder = directory.path;
      const { done } = model.learnerCounts;
      const { queue, budget } = settingsOf(model.run);
      const cores = `${plural(budget, "core")} of this computer`;
      const where = `on ${queue === "local" ? cores : queueNames[queue]}`;
      const before = isResumed ? `, resumed with ${done} done` : "";
      print(`${model.run.name}: ${plural(model.learners.size, "learner")} ${where}${before}. Ctrl-C saves and stops.`);
    },
    remark: print,
    notice: ({ message, hint }) => print(hint ? `${message}\n  ${hint}` : message),
    stopping: () => print("Stopping: the learners save what they have. Ctrl-C again leaves the jobs running."),
    end: ({ elapsedMs, learners }, model) => {
      const failed = failedLearners(model);
      for (const { fname, reason } of failed) print(`failed: ${fname}: ${reason ?? "no reason known"}`);
      const rest = learners.waiting + learners.running;
      const ending = rest > 0 ? `${plural(rest, "learner")} left; start again to resume` : `all ended`;
      print(
        `${learners.done} done, ${failed.length} failed, ${ending} (${formatDuration(elapsedMs)}). Data: ${folder}`,
      );
    },
    stay: () => print("Serving until Ctrl-C, so that the editor can show the results."),
  };
}

const queueNames = { slurm: "Slurm" } as const;

function failedLearners(model: Model): LearnerRow[] {
  return [...model.learners.values()].filter(({ state }) => state === "failed");
}

/** Something that happens once. */
class Signal<T> {
  send: (value: T) => void = () => undefined;
  readonly received = new Promise<T>((resolve) => (this.send = resolve));
}
