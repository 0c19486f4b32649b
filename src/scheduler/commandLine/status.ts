import { ask, silentCode } from "../control/dealer";
import type { Results } from "../control/protocol";
import { explainPause } from "../jobs/deaths";
import { JobFiles } from "../jobs/jobFiles";
import { AdaptiveError } from "../state/errors";
import { ownerOf } from "../state/lock";
import { readModel } from "../state/recovery";
import { type JobState, type LearnerState } from "../state/rows";
import type { RunDirectory } from "../state/runDirectory";
import { withRemark } from "../state/runRemarks";
import { remarkOnData } from "../study/missingData";
import { placementIn } from "../study/place";
import { findScheduler, unheard } from "./launch";
import { exitCodes, type Program } from "./program";
import { figuresLine } from "./progressView";

/** How a run stands. */
export interface Report {
  directory: string;
  /** The run's state folder, which names it among those of the directory. */
  state: string;
  runId: string;
  name: string;
  created: string;
  /** Where the original is or was, when this is a copy that nobody serves. */
  copyOf: string | null;
  activity: string;
  reason: string | null;
  /** A condition of the run that a person should know, and what to do. */
  notice: { code: string; message: string; hint: string } | null;
  remark: string | null;
  scheduler: { host: string; pid: number; startedAt: number; residentBytes: number; queueCalls: number } | null;
  /** One lives and says nothing; what is said here is what lies on disk, and the notice says why. */
  isSilent: boolean;
  learners: Record<LearnerState, number>;
  jobs: Partial<Record<JobState, number>>;
  npoints: number;
}

/** Says how a run stands, from its scheduler or, when none lives, from disk. */
export async function status(directory: RunDirectory, json: boolean, program: Program): Promise<number> {
  const report = await reportOn(directory, program, true);
  if (json) program.printJson(report);
  else program.print(describe(report));
  return exitCodes.success;
}

/**
 * From the run's scheduler or, when none lives, from disk.
 * @param looksAtData whether the data of done learners is there is looked at too
 */
export async function reportOn(
  directory: RunDirectory,
  { assets }: Pick<Program, "assets">,
  looksAtData = false,
): Promise<Report> {
  const { runId, created } = await directory.readRunFile();
  const where = { directory: directory.path, state: directory.own, runId, created };
  const heard = await hear(directory, looksAtData);
  if (heard && !(heard instanceof AdaptiveError)) {
    const { run, learners, host, pid, startedAt, residentBytes, queueCalls, ...rest } = heard;
    const { name, activity, reason, remark } = run;
    const scheduler = { host, pid, startedAt, residentBytes, queueCalls };
    const { jobs, npoints, notice } = rest;
    const said = { name, activity, reason, notice, remark, scheduler, learners, jobs, npoints };
    return { ...where, copyOf: null, isSilent: false, ...said };
  }
  const model = await readModel(directory, await assets.wasm());
  const { name, activity, reason } = model.run;
  const missing = looksAtData ? await remarkOnData(directory.path, model) : null;
  const remark = looksAtData ? withRemark(model.run.remark, "missingData", missing) : model.run.remark;
  const condition = heard ?? (await explainPause(model, new JobFiles(directory.jobs, model)));
  let npoints = 0;
  for (const learner of model.learners.values()) npoints += learner.npoints;
  const jobs: Report["jobs"] = {};
  for (const id of model.liveJobs) jobs[model.job(id).state] = (jobs[model.job(id).state] ?? 0) + 1;
  return {
    ...where,
    copyOf: (await placementIn(directory, model.run)) === "copied" ? model.run.directory : null,
    name,
    activity,
    reason,
    remark,
    notice: condition && { code: condition.code, message: condition.message, hint: condition.hint },
    scheduler: null,
    isSilent: heard !== null,
    learners: model.learnerCounts,
    jobs,
    npoints,
  };
}

/** What the run's scheduler says, why one that lives says nothing, or null when none does. */
async function hear(directory: RunDirectory, looksAtData: boolean): Promise<Results["status"] | AdaptiveError | null> {
  try {
    const address = await findScheduler(directory);
    if (!address) return null;
    const status = await ask(address, "status", {});
    if (!looksAtData || !status.learners.done) return status;
    // One of an older version, or whose disk takes long to answer, has told what it knows.
    const isLookedAt = await ask(address, "checkData", {}).catch(() => null);
    return isLookedAt ? await ask(address, "status", {}) : status;
  } catch (error) {
    if (!(error instanceof AdaptiveError && [silentCode, unheard, "disk-full"].includes(error.code))) throw error;
    // It may have ended meanwhile.
    return (await ownerOf(directory.lock)) && error;
  }
}

function describe(report: Report): string {
  const { directory, copyOf, name, activity, reason, notice, remark, scheduler, isSilent } = report;
  const { learners, jobs, npoints } = report;
  const jobsLine = Object.entries(jobs).map(([state, count]) => `${count} ${state}`);
  if (!scheduler && !isSilent && jobsLine.length > 0) {
    jobsLine.push("as its last scheduler knew; adaptive-scheduler jobs RUN asks the queue");
  }
  return [
    `${name} in ${directory}${copyOf ? `, a copy of the run in ${copyOf}` : ""}`,
    `learners   ${figuresLine({ learners, npoints, jobs: 0, elapsedMs: 0 }).split(" · ").slice(0, -1).join(" · ")}`,
    `jobs       ${jobsLine.join(" · ") || "none"}, ${activity}${reason ? ` (${reason})` : ""}`,
    scheduler
      ? `scheduler  on ${scheduler.host}, pid ${scheduler.pid}, ${Math.round(scheduler.residentBytes / 2 ** 20)} MB, since ${new Date(scheduler.startedAt).toLocaleString()}`
      : `scheduler  ${isSilent ? "lives, but cannot tell more: this is what lies on disk" : "none runs; the next start goes on from here"}`,
    ...(remark ? ["", remark] : []),
    ...(notice ? ["", notice.message, `  ${notice.hint}`] : []),
  ].join("\n");
}
