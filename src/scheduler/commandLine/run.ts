import type { Address } from "../control/dealer";
import { Log } from "../log";
import { pauseCodes } from "../jobs/deaths";
import { Scheduler } from "../server";
import { toAdaptiveError } from "../state/errors";
import { pausedByPerson } from "../state/rows";
import { RunDirectory } from "../state/runDirectory";
import { remarksOnCode } from "../study/code";
import { createRun } from "../study/createRun";
import { configurationOf, readSources, type StartOptions } from "../study/settings";
import { notACopy, type CopyWish } from "../study/place";
import { isOver, servedHere, Signal, type AttendedRun } from "./attended";
import { follow } from "./follow";
import { findLivingScheduler, ownPort, untilFound } from "./launch";
import { exitCodes, type Program } from "./program";
import type { Figures } from "./progressView";
import { createView, frameMs, type RunView } from "./runView";
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

/**
 * The headless main job: makes the study's run or resumes it, serves it with its progress shown, and
 * ends when every learner has. A run that a scheduler serves already it follows in the same way, and
 * serves it itself when that one dies. Ctrl-C has the learners saved and leaves the run to be resumed;
 * jobs that were started here are served on when the terminal is closed.
 */
export async function run(options: RunOptions, program: Program): Promise<number> {
  const found = RunDirectory.ofStudy(options.learnersFile);
  const isResumed = await found.hasRun();
  const warnings: string[] = [];
  const directory = isResumed
    ? found
    : await createRun(options, program.assets, Date.now, (warning) => warnings.push(warning));
  warnings.push(...(await remarksOnCode(directory.path)));
  // What is wrong in a file starts no scheduler.
  if (isResumed) await readSources(options, null);
  const view = createView(options.json, program);
  let interrupted: Promise<void> | null = null;
  for (;;) {
    const { attended, remarks } = await attend(directory, options, view, program);
    if (isResumed) remarks.push(...(await bringUpToDate(attended, options, program)));
    view.begin(attended.standing, directory, isResumed);
    [...warnings, ...remarks].forEach(view.remark);
    interrupted ??= interruption();
    const ending = await seeThrough(attended, interrupted, options.stay, view, program);
    if (ending === "lost") {
      view.remark("The scheduler that served this run has died; it goes on here.");
      continue;
    }
    if (ending === "stopped") view.remark(stoppedWords);
    if (ending === "closed") view.remark(closedWords);
    if (ending === "interrupted") return exitCodes.interrupted;
    if (ending !== "over") return exitCodes.error;
    return attended.standing.learners.failed > 0 ? exitCodes.learnersFailed : exitCodes.success;
  }
}

interface Attendance {
  attended: AttendedRun;
  /** What is to be said of it. */
  remarks: string[];
}

/** Serves the run, or follows it where somebody serves it. */
async function attend(
  directory: RunDirectory,
  options: RunOptions,
  view: RunView,
  program: Program,
): Promise<Attendance> {
  const followAt = async (address: Address) => {
    if (options.ifCopied !== "refuse") throw notACopy(directory);
    const remarks = [`A scheduler on ${address.host} (pid ${address.pid}) serves this run already; it goes on there.`];
    if (options.port !== null) remarks.push(ownPort);
    const wasm = await program.assets.wasm();
    const attended = await follow({ directory, wasm, address, onRemark: view.remark, onNotice: view.notice });
    return { attended, remarks };
  };
  const living = await findLivingScheduler(directory);
  if (living) return followAt(living);
  try {
    return { attended: await serveHere(directory, options, view, program), remarks: [] };
  } catch (error) {
    if (toAdaptiveError(error).code !== "already-served") throw error;
    // Another one has just begun, or could only be watched.
    const other = await untilFound(directory);
    if (!other) throw error;
    return followAt(other);
  }
}

async function serveHere(
  directory: RunDirectory,
  { port, ifCopied }: RunOptions,
  view: RunView,
  { assets }: Program,
): Promise<AttendedRun> {
  const log = new Log(directory.log);
  const closed = new Signal<"closed">();
  const paused = new Signal<"paused">();
  let isStarted = false;
  const scheduler = await Scheduler.serve({
    directory,
    assets,
    log,
    port,
    ifCopied,
    onDidEnd: () => closed.send("closed"),
    onFatal: (error) => endAtOnce(log, error),
    onNotice: (notice) => {
      if (!notice) return;
      const isPause = pauseCodes.has(notice.code);
      // Why it was paused before is over with this start, however long that takes.
      if (isPause && !isStarted) return;
      view.notice(notice);
      if (isPause) paused.send("paused");
    },
  });
  const onStart = () => {
    isStarted = true;
    process.on("SIGHUP", () => log.write("the terminal was closed: this run goes on in the background"));
  };
  return servedHere(scheduler, { paused: paused.received, closed: closed.received }, onStart);
}

/** What was typed or edited since a run was made holds from now on; returns what to say of it. */
async function bringUpToDate(attended: AttendedRun, options: RunOptions, program: Program): Promise<string[]> {
  try {
    await attended.configure(await configurationOf(options, attended.standing.run));
    const updated = await updateBeforeStart(attended.study, options.accept, program);
    const { remark: missing } = await attended.checkData();
    const { done, missed } = await attended.missedGoals();
    const words = `${formatCount(missed.length)} of ${plural(done, "done learner")} ${nounFor(missed.length, "misses", "miss")} the goal`;
    const reopens = missed.length > 0 && (options.reopen || (await program.confirm(`${words}: continue those?`)));
    if (reopens) await attended.reopen(missed);
    const left = missed.length > 0 && `${words}${reopens ? " and go on" : "; --reopen continues those"}.`;
    return [updated, missing, left].filter((remark) => typeof remark === "string");
  } catch (error) {
    await attended.close();
    throw error;
  }
}

/** Starts the jobs and shows how they get on, until nobody has to look any longer. */
async function seeThrough(
  attended: AttendedRun,
  interruption: Promise<void>,
  stays: boolean,
  view: RunView,
  program: Program,
): Promise<Ending> {
  let isAttended = true;
  let isInterrupted = false;
  const interrupted = interruption.then(async () => {
    isInterrupted = true;
    if (isAttended) await stopJobs(attended, view, program);
    return "interrupted" as const;
  });
  await attended.start();
  const startedAt = Date.now();
  const figures = (): Figures => ({ ...attended.standing, elapsedMs: Date.now() - startedAt });
  let isPaused = false;
  const timer = setInterval(() => {
    view.frame(figures());
    const { run } = attended.standing;
    const wasPaused = isPaused;
    isPaused = run.activity === "paused" && run.reason === pausedByPerson;
    if (isPaused && !wasPaused) view.remark(pausedWords);
  }, frameMs);
  try {
    const first = await Promise.race([attended.over(), attended.paused, interrupted, attended.closed]);
    if (first === "lost") return first;
    // Jobs that this terminal has stopped itself; and a scheduler that ended because nothing was left.
    const ending = isInterrupted ? await interrupted : isOver(attended.standing) && first === "closed" ? "over" : first;
    const told = await attended.told();
    clearInterval(timer);
    view.end(figures(), told);
    if (stays && ending === "over") {
      view.stay();
      await Promise.race([interrupted, attended.closed]);
    }
    return ending;
  } finally {
    clearInterval(timer);
    isAttended = false;
    await attended.close();
  }
}

type Ending = "over" | "stopped" | "paused" | "closed" | "lost" | "interrupted";

const pausedWords = "Paused from elsewhere: no more jobs are submitted until somebody types adaptive-scheduler start.";
const stoppedWords = "The jobs were stopped from elsewhere, and have saved. The same command goes on.";
const closedWords = "Its scheduler was ended from elsewhere; jobs go on. The same command finds them again.";

/** Ctrl-C: once stops the jobs, which save; twice leaves at once, whatever the jobs do. */
async function stopJobs(attended: AttendedRun, view: RunView, program: Program): Promise<void> {
  view.stopping();
  const again = interruption().then(() =>
    program.print("Jobs that were told to end save and end by themselves, others go on; the next start finds them."),
  );
  // On a full disk nobody can be told to end: the jobs go on.
  const stopped = attended.stop().then(
    () => noJobs(attended),
    (error: unknown) => view.notice(toAdaptiveError(error)),
  );
  await Promise.race([again, attended.closed, stopped]);
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGINT", resolve);
    process.once("SIGTERM", resolve);
  });
}

async function noJobs(attended: AttendedRun): Promise<void> {
  while (attended.standing.jobs > 0) await new Promise((resolve) => setTimeout(resolve, frameMs));
}
