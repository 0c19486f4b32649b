/** Time as a parameter, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `delayMs`; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Begins at the system's time and is not set together with it: for waiting and for what is measured, not for what is written down. */
export const steadyClock: Clock = { ...systemClock, now: () => performance.timeOrigin + performance.now() };
