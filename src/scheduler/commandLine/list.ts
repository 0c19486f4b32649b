import { hasEnded } from "../state/changes";
import { toAdaptiveError } from "../state/errors";
import { forgetRun, registeredRuns, type RegisteredRun } from "../state/registry";
import { learnerStates, notStartedYet } from "../state/rows";
import { shortId } from "./findRun";
import { exitCodes, type Program } from "./program";
import { reportOn, type Report } from "./status";

/** A line of the list; `report` is missing when the run has gone or cannot be read. */
interface Listed extends RegisteredRun {
  state: RunState;
  report?: Report;
  /** Why it cannot be read. */
  problem?: string;
}

/** A run in a word. `idle` would go on if a scheduler ran, `gone` has lost its folder. */
export type RunState =
  "done" | "failed" | "running" | "waiting" | "idle" | "not started" | "paused" | "stopped" | "gone" | "unreadable";

/** Lists the runs of this user, and with `prune` forgets those that are gone. */
export async function list({ json, prune }: { json: boolean; prune: boolean }, program: Program): Promise<number> {
  const runs = await Promise.all((await registeredRuns()).map((run) => look(run, program)));
  const gone = prune ? runs.filter(({ state }) => state === "gone") : [];
  for (const { runId } of gone) await forgetRun(runId);
  const left = runs.filter((run) => !gone.includes(run));
  if (json) program.printJson({ runs: left.map(forPrograms), forgotten: gone.map(({ runId }) => runId) });
  else {
    program.print(left.length === 0 ? "There are no runs of yours on this machine." : table(left.map(cells)));
    if (gone.length > 0) program.print(`\nForgot ${gone.map(({ name }) => name).join(", ")}: their folders are gone.`);
    else if (left.some(({ state }) => state === "gone")) {
      program.print("\nWhat is gone was moved or deleted: --prune forgets it, serving a moved run finds it again.");
    }
  }
  return exitCodes.success;
}

async function look(run: RegisteredRun, program: Program): Promise<Listed> {
  try {
    const isThere = (await run.directory.hasRun()) && (await run.directory.readRunFile()).runId === run.runId;
    if (!isThere) return { ...run, state: "gone" };
    const report = await reportOn(run.directory, program);
    return { ...run, state: stateOfRun(report), report };
  } catch (error) {
    return { ...run, state: "unreadable", problem: toAdaptiveError(error).message };
  }
}

export function stateOfRun({
  learners,
  jobs,
  activity,
  reason,
  scheduler,
}: Pick<Report, "learners" | "jobs" | "activity" | "reason"> & { scheduler: object | null }): RunState {
  const isOver = !learnerStates.some((state) => !hasEnded(state) && learners[state] > 0);
  if (isOver) return learners.failed > 0 ? "failed" : learners.stopped > 0 ? "stopped" : "done";
  if (activity === "paused" || activity === "stopped") return reason === notStartedYet ? "not started" : activity;
  if (Object.values(jobs).some((count) => count > 0)) return "running";
  return scheduler ? "waiting" : "idle";
}

function forPrograms({ runId, name, created, directory, state, report, problem }: Listed): object {
  const { learners, jobs, npoints, scheduler } = report ?? {};
  const where = { directory: directory.path, stateFolder: directory.own };
  return { runId, name, created, ...where, state, learners, jobs, npoints, scheduler, problem };
}

function cells({ name, runId, state, report, problem, directory, created }: Listed): string[] {
  const total = report && learnerStates.reduce((sum, one) => sum + (one === "removed" ? 0 : report.learners[one]), 0);
  const done = report ? `${report.learners.done} of ${total}` : "";
  const served = report?.scheduler ? `${report.scheduler.host}, pid ${report.scheduler.pid}` : "none";
  const where = directory.folder === ".adaptive" ? directory.path : directory.own;
  return [name, shortId(runId), state, done, served, new Date(created).toLocaleString(), problem ?? where];
}

function table(rows: readonly string[][]): string {
  const all = [["NAME", "ID", "STATE", "DONE", "SCHEDULER", "CREATED", "WHERE"], ...rows];
  const widths = all[0]?.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
