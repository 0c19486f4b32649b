import type { Clock } from "../scheduler/state/clock";
import { AdaptiveError } from "../scheduler/state/errors";

/** Resolves after `delayMs`, rejects when aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return abortable(signal, (resolve) => clock.after(delayMs, () => resolve()));
}

/** Resolves when aborted. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/**
 * The promise's own outcome, unless it takes longer than `deadlineMs` or the signal is aborted.
 * @param what finishes the sentence "… did not answer within 30 s"
 */
export function within<T>(
  clock: Clock,
  promise: Promise<T>,
  { deadlineMs, signal, what }: { deadlineMs: number; signal: AbortSignal; what: string },
): Promise<T> {
  return abortable(signal, (resolve, reject) => {
    promise.then(resolve, (error: unknown) => reject(error instanceof Error ? error : new Error(String(error))));
    const seconds = Math.round(deadlineMs / 1000);
    return clock.after(deadlineMs, () =>
      reject(new AdaptiveError("timeout", `${what} did not answer within ${seconds} s`)),
    );
  });
}

/** A promise that an AbortSignal rejects; `start` returns what to undo once it is settled. */
function abortable<T>(
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => () => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(abortedError()));
    const undo = start(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
    function settle(act: () => void): void {
      undo();
      signal.removeEventListener("abort", onAbort);
      act();
    }
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}

function abortedError(): AdaptiveError {
  return new AdaptiveError("cancelled", "Cancelled");
}
