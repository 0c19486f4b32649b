const shortestMs = 30_000;
const longestMs = 600_000;

/**
 * How long to wait until the queue is asked again.
 * @param isExact a queue of our own, which may be asked as often as one likes
 * @param failures in a row; each doubles the wait
 * @param jitter from 0 to 1: lengthens the wait by up to a tenth, so that schedulers do not ask together
 */
export function pollDelayMs(pollSeconds: number, isExact: boolean, failures: number, jitter: number): number {
  if (isExact) return Math.min(pollSeconds * 1000 * 2 ** failures, longestMs);
  return Math.min(Math.max(pollSeconds * 1000, shortestMs) * 2 ** failures, longestMs) * (1 + jitter / 10);
}
