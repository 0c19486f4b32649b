const firstDelayMs = 1000;
const maxDelayMs = 30_000;

/**
 * How long to wait before connecting again: 1 s, doubling to 30 s.
 * @param attempt failures in a row, from 1
 * @param jitter from 0 to 1: shortens the wait by up to a quarter, so that many windows that lost one scheduler do not
 *   come back at one moment
 */
export function reconnectDelayMs(attempt: number, jitter: number): number {
  return Math.min(firstDelayMs * 2 ** (attempt - 1), maxDelayMs) * (1 - jitter / 4);
}

/**
 * The number of the next attempt. Only a connection that held makes a fresh start: one that breaks
 * again and again right after it came up is a failure too.
 */
export function nextAttempt(attempt: number, onlineForMs: number): number {
  return onlineForMs >= maxDelayMs ? 1 : attempt + 1;
}
