import type { JobEnd } from "../clusters/cluster";
import type { Release } from "../state/changes";
import type { Ending, JobRow } from "../state/rows";

/** What a job's own script wrote down at its end. */
export interface OwnEnd {
  exitCode: number;
  restart: number;
  /** Signals that it was sent, e.g. `USR1` some time before the walltime. */
  signals: readonly string[];
}

/** What is known of the end of a job. */
export interface Evidence {
  own: OwnEnd | null;
  /** What the queue says. */
  told: JobEnd | null;
  /** What it was allowed. */
  walltimeSeconds: number | null;
  now: number;
}

/** What to make of the end of a job, and how a learner that it still held leaves it. */
export interface Verdict {
  ending: Ending;
  how: Release;
  exitCode: number | null;
  /** Goes behind "its job 4711_3": `was cancelled`. */
  words: string;
}

/** Queues look at the time about once a minute. */
const walltimeSlackSeconds = 120;

/** Why a job ended: what it said itself comes before what the queue says, and both before what its time tells. */
export function howItEnded(job: Pick<JobRow, "cancelledAt" | "startedAt">, evidence: Evidence): Verdict {
  const { own, told } = evidence;
  const exitCode = own?.exitCode ?? told?.exitCode ?? null;
  const ending = job.cancelledAt !== null ? "cancelled by us" : endingOf(job, evidence, exitCode);
  const words = (ending === "exit" && !own && told?.words) || wordsOf(ending, exitCode);
  return { ending, how: howOf[ending], exitCode, words };
}

function endingOf(
  job: Pick<JobRow, "startedAt">,
  { own, told, walltimeSeconds, now }: Evidence,
  exitCode: number | null,
): Ending {
  if (own?.signals.includes("USR1")) return "walltime";
  if (told?.cause && told.cause !== "exit") return told.cause;
  const lifeSeconds = job.startedAt === null ? 0 : (now - job.startedAt) / 1000;
  const isOver = walltimeSeconds !== null && lifeSeconds >= walltimeSeconds - walltimeSlackSeconds;
  if (own?.signals.includes("TERM")) return isOver ? "walltime" : "preempted";
  // A launcher of MPI gives the bare number of the signal that ended a rank.
  if (exitCode === 137 || exitCode === 9) return "memory";
  if (exitCode !== null || told?.cause === "exit") return "exit";
  return isOver ? "walltime" : "lost";
}

const howOf = {
  exit: "failed",
  memory: "failed",
  walltime: "cut short",
  preempted: "cut short",
  cancelled: "cut short",
  "node failure": "cut short",
  lost: "cut short",
  "cancelled by us": "given back",
} as const satisfies Record<Ending, Release>;

function wordsOf(ending: Ending, exitCode: number | null): string {
  switch (ending) {
    case "exit":
      if (exitCode === 0 || exitCode === null) return "ended";
      return exitCode > 128 ? `was killed by signal ${exitCode - 128}` : `ended with exit code ${exitCode}`;
    case "memory":
      return "was killed by signal 9: most often it had used up the memory";
    case "walltime":
      return "reached its walltime";
    case "preempted":
      return "was told to end by the queue, as happens when others come first";
    case "cancelled":
      return "was cancelled by somebody else";
    case "node failure":
      return "lost its node";
    case "lost":
      return "was killed, or its machine went down";
    case "cancelled by us":
      return "was cancelled";
  }
}
