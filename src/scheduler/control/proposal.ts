import type { Settings } from "../state/settings";
import type { Trial } from "../state/trial";
import { plural } from "../state/counts";

/** What trying points suggests for the jobs of a study. */
export interface Proposal {
  cores: number;
  /** As `resources.walltime` is written. */
  walltime: string;
  /** What it follows from, and what to mind, a sentence each. */
  reasons: string[];
}

export interface ProposalCircumstances {
  settings: Pick<Settings, "goal" | "resources" | "saveEverySeconds" | "queue" | "budget">;
  /** Memory of the machine that its processes can have, in MB. */
  freeMegabytes: number;
}

/** Handing a point to another process and back takes about this long. */
const handOverSeconds = 0.002;
/** A learner that takes longer on its cores gets more of them. */
const comfortableSeconds = 1800;
/** Starting Python and MPI, loading and saving, and the evaluations that take longer than those tried. */
const startSeconds = 300;
const margin = 1.5;
const walltimes = [600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 345_600, 604_800];

/**
 * Proposes cores and walltime for jobs from points that were tried.
 *
 * @returns null when no point was evaluated
 */
export function propose(trials: readonly Trial[], { settings, freeMegabytes }: ProposalCircumstances): Proposal | null {
  const good = trials.filter(({ error }) => error === null);
  if (good.length === 0) return null;
  const seconds = Math.max(...good.map((trial) => trial.seconds));
  const megabytes = Math.max(...good.map((trial) => trial.megabytes));
  const { goal, resources, saveEverySeconds } = settings;
  const budget = settings.queue === "local" ? settings.budget : Infinity;
  const points = goal?.npoints ?? null;
  const reasons: string[] = [];
  const cores = coresFor(seconds, points, resources.cores, budget);
  if (seconds < handOverSeconds) {
    reasons.push(`A point takes ${inWords(seconds)}, less than handing it to another process: one core is best.`);
  }
  const expected = points === null ? null : (points * seconds) / cores;
  if (expected === null) {
    const perHour = Math.max(1, Math.round(3600 / Math.max(seconds, handOverSeconds)));
    reasons.push(`About ${plural(perHour, "point")} per hour and core; how many a learner needs, its goal decides.`);
  } else {
    reasons.push(
      `${plural(points ?? 0, "point")} of ${inWords(seconds)} on ${plural(cores, "core")}: about ${inWords(expected)} a learner.`,
    );
  }
  const wanted = (expected ?? comfortableSeconds) * margin + startSeconds;
  const walltime =
    walltimes.find((limit) => limit >= Math.max(wanted, 3 * seconds)) ?? walltimes[walltimes.length - 1] ?? 0;
  if (seconds > walltime / 3)
    reasons.push(`A single point takes ${inWords(seconds)}: choose a walltime of several points.`);
  if (seconds > saveEverySeconds) {
    reasons.push(`A point takes longer than the ${inWords(saveEverySeconds)} between two saves.`);
  }
  if (megabytes * cores > freeMegabytes) {
    reasons.push(
      `${cores} × ${Math.round(megabytes)} MB is more than the ${Math.round(freeMegabytes)} MB of memory here.`,
    );
  }
  return { cores, walltime: asWalltime(walltime), reasons };
}

function coresFor(seconds: number, points: number | null, cores: number, budget: number): number {
  if (seconds < handOverSeconds) return 1;
  if (points === null) return cores;
  const needed = Math.ceil((points * seconds) / comfortableSeconds);
  return Math.max(1, Math.min(needed, budget, Math.ceil(points / 4)));
}

/** `0.3 ms`, `4.2 s`, `12 min`, `3.5 h`. */
export function inWords(seconds: number): string {
  // With three digits toPrecision would write an exponent.
  const milliseconds = (seconds * 1000).toPrecision(2);
  if (seconds < 1) return `${seconds < 0.01 ? milliseconds : Number(milliseconds)} ms`;
  if (seconds < 100) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Number((seconds / 3600).toPrecision(2))} h`;
}

function asWalltime(seconds: number): string {
  return `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}:00`;
}
