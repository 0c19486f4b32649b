import { type QuickPickItem, ThemeIcon, window } from "vscode";
import { clusterOf } from "../remote/clusterRuns";
import type { JobView, Overview } from "../remote/replica/queries";
import type { RunSession } from "../remote/runSession";
import type { RunSessions } from "../remote/runSessions";
import { loginShell } from "../remote/transport";
import { AdaptiveError } from "../scheduler/state/errors";
import { isRunning, type JobId, type LearnerId } from "../scheduler/state/rows";
import { formatCount, plural } from "../scheduler/state/counts";
import { learnerLabel } from "./format";
import { plain } from "./plain";
import { ShellTerminal } from "./shellTerminal";
import { clusterName, runTitle } from "./statusText";

const maxListed = 2000;

/** What a terminal starts, and where. */
interface Shell {
  argv: readonly string[];
  directory: string;
}

/** Terminals where a run and its jobs are. */
export class Terminals {
  constructor(private readonly sessions: Pick<RunSessions, "reach">) {}

  /**
   * A shell in a running job.
   * @throws AdaptiveError `job-ended`, `job-waits`, `no-job`
   */
  async openInJob(session: RunSession, job: JobId): Promise<void> {
    const { run } = await session.query("overview", null);
    this.show(
      session,
      `job ${job} · ${runTitle(run.name, clusterOf(session.directory, run.cluster))}`,
      await session.jobShell(job),
    );
  }

  /** A shell on the head node, or here, in the run directory. */
  async openInRun(session: RunSession): Promise<void> {
    const { run } = await session.query("overview", null);
    const where = clusterName(clusterOf(session.directory, run.cluster));
    this.show(session, `${where} · ${run.name}`, { argv: loginShell, directory: run.directory });
  }

  private show(session: RunSession, name: string, { argv, directory: cwd }: Shell): void {
    const pty = new ShellTerminal(async (size, onStep, signal) => {
      const { transport, program } = await this.sessions.reach(session.directory, { isAsked: true, onStep, signal });
      return transport.terminal(argv, { cwd, env: program.env, size, signal });
    });
    // A window that is loaded anew has no shell to show in it.
    window.createTerminal({ name: plain(name), pty, iconPath: new ThemeIcon("terminal"), isTransient: true }).show();
  }
}

/**
 * Asks for one of the running jobs, where there are several.
 * @throws AdaptiveError `no-running-job`
 */
export async function pickRunningJob(session: RunSession): Promise<JobId | undefined> {
  const [overview, jobs] = await Promise.all([session.query("overview", null), runningJobs(session)]);
  const [only] = jobs;
  if (only === undefined) throw noRunningJob(overview);
  if (jobs.length === 1) return only.jobId;
  const total = overview.jobs.running;
  const picked = await window.showQuickPick(jobs.map(itemOf), {
    title: "Open Terminal in Job",
    placeHolder: total > jobs.length ? `${formatCount(jobs.length)} of ${formatCount(total)}` : "In which running job?",
    matchOnDescription: true,
  });
  return picked?.jobId;
}

/**
 * The job that runs a learner.
 * @throws AdaptiveError `not-running`
 */
export async function jobOfLearner(session: RunSession, id: LearnerId): Promise<JobId> {
  const learner = await session.query("learner", { id });
  if (learner?.state === "running" && learner.jobId !== null) return learner.jobId;
  throw new AdaptiveError("not-running", "No job runs this learner now.");
}

async function runningJobs(session: RunSession): Promise<JobView[]> {
  const jobs = await session.query("jobs", { limit: maxListed });
  return jobs.filter(isRunning);
}

function itemOf({ jobId, host, learner }: JobView): QuickPickItem & { jobId: JobId } {
  const where = [host, learner === null ? "no learner" : learnerLabel(learner)];
  return { label: plain(jobId), description: plain(where.filter((part) => part !== null).join("  ")), jobId };
}

function noRunningJob({ jobs }: Overview): AdaptiveError {
  const waiting = jobs.queued + jobs.submitted;
  const hint =
    waiting === 0
      ? "Use Start Jobs."
      : `${plural(waiting, "job")} in the queue: a terminal can be opened once one runs.`;
  return new AdaptiveError("no-running-job", "No job is running now.", hint);
}
