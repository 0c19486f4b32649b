import { fewestPollSeconds } from "../state/layers";

const longestMs = 600_000;
/** When the first jobs of a run are looked at, after they were submitted or began to run. */
const closeLooksMs = [5000, 15_000, 30_000];

/**
 * How long to wait until the queue is asked again.
 * @param isExact a queue of our own, which may be asked as often as one likes
 * @param failures in a row; each doubles the wait
 * @param jitter from 0 to 1: lengthens the wait by up to a tenth, so that schedulers do not ask together
 */
export function pollDelayMs(pollSeconds: number, isExact: boolean, failures: number, jitter: number): number {
  if (isExact) return Math.min(pollSeconds * 1000 * 2 ** failures, longestMs);
  return Math.min(Math.max(pollSeconds, fewestPollSeconds) * 1000 * 2 ** failures, longestMs) * (1 + jitter / 10);
}

/**
 * When the first jobs of a run are looked at next: most of what is wrong ends them at once.
 * @param newsAt when something was last heard of them: that they were submitted, or run
 */
export function closeLookAt(newsAt: number, lastPollAt: number): number {
  const next = closeLooksMs.map((delayMs) => newsAt + delayMs).find((at) => at > lastPollAt) ?? Infinity;
  return Math.max(next, lastPollAt + fewestPollSeconds * 1000);
}
