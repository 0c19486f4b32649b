import type { JobView } from "../remote/replica/queries";
import { defaultClass, isRunning, type JobState, tryClass } from "../scheduler/state/rows";
import { formatCount } from "../scheduler/state/counts";
import { formatAgo, formatElapsed, learnerLabel } from "./format";
import type { TreeNode } from "./treeNodes";

/** Jobs listed at most; those that have not ended come first. */
export const maxJobsShown = 500;

/** The job that a node shows, or null. */
export function jobOfNode(id: string): string | null {
  return id.startsWith("job:") ? id.slice("job:".length) : null;
}

/** The jobs that a node stands for and that can be cancelled: one, or those of a submission. */
export function cancellableAt(node: string, jobs: readonly JobView[]): JobView[] {
  const isMeant = (job: JobView) => node === `job:${job.jobId}` || node === submissionId(job.submission);
  return jobs.filter((job) => isMeant(job) && canBeCancelled(job));
}

function canBeCancelled({ state, cancelledAt }: JobView): boolean {
  return state !== "ended" && cancelledAt === null;
}

const submissionId = (submission: number): string => `submission:${submission}`;

/** Jobs by submission, and those that have ended below, newest first. */
export function jobsTree(jobs: readonly JobView[], nowMs: number): TreeNode[] {
  const living = jobs.filter((job) => job.state !== "ended");
  const ended = jobs.filter((job) => job.state === "ended");
  return [
    ...[...new Set(living.map((job) => job.submission))].map((submission) =>
      submissionNode(
        submission,
        living.filter((job) => job.submission === submission),
        nowMs,
      ),
    ),
    ...(ended.length === 0 ? [] : [endedNode(ended, nowMs)]),
  ];
}

function submissionNode(submission: number, jobs: readonly JobView[], nowMs: number): TreeNode {
  const nodes = [...jobs].sort(byId).map((job) => jobNode(job, nowMs));
  const name = jobs[0]?.name.replace(/-[^-]*$/, "") ?? "";
  const size = jobs.length === 1 ? "one job" : `array of ${formatCount(jobs.length)}`;
  const { resourceClass = defaultClass } = jobs[0] ?? {};
  const ofClass = resourceClass === defaultClass ? size : `${size}  class ${resourceClass}`;
  const what = resourceClass === tryClass ? "tries one point" : ofClass;
  return {
    id: submissionId(submission),
    label: jobs[0]?.jobId.split("_")[0] ?? String(submission),
    description: `${name}  ${what}`,
    tooltip: "",
    icon: { codicon: "layers", color: null },
    context: nodes.some(({ context }) => context.endsWith("cancellable")) ? "submission cancellable" : "submission",
    children: { isExpanded: true, nodes },
  };
}

function endedNode(jobs: readonly JobView[], nowMs: number): TreeNode {
  return {
    id: "ended",
    label: "Ended",
    description: formatCount(jobs.length),
    tooltip: "",
    icon: { codicon: "history", color: null },
    context: "ended",
    children: { isExpanded: false, nodes: jobs.map((job) => jobNode(job, nowMs)) },
  };
}

function jobNode(job: JobView, nowMs: number): TreeNode {
  const learner = job.learner === null ? null : learnerLabel(job.learner);
  const words = [
    "job",
    ...(isRunning(job) ? ["running"] : []),
    ...(job.startedAt === null ? [] : ["started"]),
    ...(learner === null ? [] : ["learner"]),
    ...(canBeCancelled(job) ? ["cancellable"] : []),
  ];
  return {
    id: `job:${job.jobId}`,
    label: job.jobId,
    description: [standing(job, nowMs), job.state === "ended" ? null : job.host, learner]
      .filter((part) => part !== null)
      .join("  "),
    tooltip: `${job.name}\nsubmitted ${new Date(job.submittedAt).toLocaleString()}${job.host === null ? "" : `\non ${job.host}`}`,
    icon: iconOf(job),
    context: words.join(" "),
    children: null,
  };
}

/** Where a job stands, in words; the clock of a running one goes on between two words from the scheduler. */
function standing(job: JobView, nowMs: number): string {
  switch (stateOf(job)) {
    case "submitted":
      return "submitted";
    case "queued":
      return `queued${job.reason === null ? "" : ` (${job.reason})`}`;
    case "running":
      if (job.cancelledAt !== null) return "stopping";
      return `running${job.startedAt === null ? "" : ` ${formatElapsed(nowMs - job.startedAt)}`}`;
    case "ended":
      return endOf(job, nowMs);
  }
}

function endOf(job: JobView, nowMs: number): string {
  const { exitCode, reason, startedAt, endedAt } = job;
  const parts = [
    // What a job that was ended from outside exits with is only the number of a signal.
    hasFailed(exitCode) && isByItself(job) && !(reason ?? "").includes("exit code") ? `exit code ${exitCode}` : null,
    reason,
    startedAt === null || endedAt === null ? null : `after ${formatElapsed(endedAt - startedAt)}`,
    endedAt === null ? null : formatAgo(endedAt, nowMs),
  ];
  return parts.filter((part) => part !== null).join(" · ") || "ended";
}

function iconOf(job: JobView): TreeNode["icon"] {
  switch (stateOf(job)) {
    case "submitted":
    case "queued":
      return { codicon: "clock", color: "descriptionForeground" };
    case "running":
      return { codicon: "play-circle", color: "charts.blue" };
    case "ended":
      return endIcon(job);
  }
}

function endIcon(job: JobView): TreeNode["icon"] {
  const { ending, exitCode, cancelledAt } = job;
  if (cancelledAt !== null) return { codicon: "circle-slash", color: "descriptionForeground" };
  switch (ending) {
    case "cancelled":
    case "cancelled by us":
      return { codicon: "circle-slash", color: "descriptionForeground" };
    case "memory":
      return { codicon: "error", color: "charts.red" };
    case "lost":
    case "node failure":
    case "preempted":
      return { codicon: "warning", color: "charts.yellow" };
    case "walltime":
      return { codicon: "clock", color: "descriptionForeground" };
    case "exit":
    case null:
      return hasFailed(exitCode)
        ? { codicon: "error", color: "charts.red" }
        : { codicon: "pass", color: "descriptionForeground" };
  }
}

/** Whether a job ended by itself, well or badly, and was not ended. */
function isByItself({ ending, cancelledAt }: JobView): boolean {
  return cancelledAt === null && (ending === null || ending === "exit");
}

function stateOf(job: JobView): JobState {
  return isRunning(job) ? "running" : job.state;
}

function hasFailed(exitCode: number | null): exitCode is number {
  return exitCode !== null && exitCode !== 0;
}

/** `7_2` before `7_10`. */
function byId(a: JobView, b: JobView): number {
  return a.jobId.localeCompare(b.jobId, "en", { numeric: true });
}
