import type { Sample } from "../scheduler/control/protocol";

/** Fewer learners than this say nothing about how fast the rest will be. */
const fewestDone = 4;
const longestWindowMs = 15 * 60_000;
const stalestMs = 60_000;

/**
 * About how long the run still takes, from how fast learners got done lately; null when that would
 * be a guess: too few done, none running, or no word of the run for a while.
 * @param samples of the run, oldest first
 * @param unfinished learners that wait or run
 */
export function timeLeftMs(
  samples: readonly Pick<Sample, "time" | "done">[],
  { unfinished, running, nowMs }: { unfinished: number; running: number; nowMs: number },
): number | null {
  const last = samples.at(-1);
  if (last === undefined || running === 0 || unfinished === 0 || nowMs - last.time > stalestMs) return null;
  const first = samples.find((sample) => sample.time >= last.time - longestWindowMs) ?? last;
  const done = last.done - first.done;
  if (done < fewestDone || last.time === first.time) return null;
  return (unfinished * (last.time - first.time)) / done;
}
