import { describe, expect, test } from "vitest";
import { nextAttempt, reconnectDelayMs } from "../../../src/remote/backoff";
import { pause, within } from "../../../src/remote/clock";
import { Coalescer } from "../../../src/remote/coalescer";
import { FakeClock } from "./fakeClock";

describe("connecting again", () => {
  test.each([
    [1, 0, 1000],
    [2, 0, 2000],
    [3, 0, 4000],
    [5, 0, 16_000],
    [6, 0, 30_000],
    [500, 0, 30_000],
    [1, 1, 750],
    [6, 0.5, 26_250],
  ])("attempt %i with jitter %d waits %d ms", (attempt, jitter, delayMs) => {
    expect(reconnectDelayMs(attempt, jitter)).toBe(delayMs);
  });

  test.each([
    [0, 0, 1],
    [3, 0, 4],
    [3, 29_999, 4],
    [3, 30_000, 1],
  ])("after attempt %i and %i ms online comes attempt %i", (attempt, onlineForMs, next) => {
    expect(nextAttempt(attempt, onlineForMs)).toBe(next);
  });
});

describe("a wait", () => {
  const never = new Promise<never>(() => undefined);

  test("ends at its deadline, naming what did not answer", async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const waiting = within(clock, never, { deadlineMs: 5000, signal, what: "The queue" });
    clock.advance(5000);
    await expect(waiting).rejects.toMatchObject({ code: "timeout", message: "The queue did not answer within 5 s" });
  });

  test("gives the outcome of what it waits for and leaves no timer", async () => {
    const clock = new FakeClock();
    const options = { deadlineMs: 5000, signal: new AbortController().signal, what: "" };
    await expect(within(clock, Promise.resolve(7), options)).resolves.toBe(7);
    await expect(within(clock, Promise.reject(new Error("no")), options)).rejects.toThrow("no");
    expect(clock.waiting).toBe(0);
  });

  test("ends when aborted, also when it was so before", async () => {
    const clock = new FakeClock();
    const aborting = new AbortController();
    const waiting = pause(clock, 1000, aborting.signal);
    aborting.abort();
    await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
    await expect(pause(clock, 1000, aborting.signal)).rejects.toMatchObject({ code: "cancelled" });
    expect(clock.waiting).toBe(0);
  });
});

test("many requests become a call at once and one per interval, the last one included", () => {
  const clock = new FakeClock();
  const calls: number[] = [];
  const coalescer = new Coalescer(clock, 100, () => calls.push(clock.now()));
  for (let i = 0; i < 250; i++) {
    coalescer.request();
    clock.advance(1);
  }
  clock.advance(1000);
  expect(calls).toEqual([0, 100, 200, 300]);
  coalescer.request();
  coalescer.request();
  coalescer.dispose();
  clock.advance(1000);
  expect(calls).toEqual([0, 100, 200, 300, 1250]);
});
