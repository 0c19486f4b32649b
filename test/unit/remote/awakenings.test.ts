import { describe, expect, onTestFinished, test } from "vitest";
import { Awakenings, hasSlept } from "../../../src/remote/awakenings";
import { FakeClock } from "./fakeClock";

describe("a computer has slept", () => {
  test.each([
    [5000, 5000, false],
    [5000, 14_000, false],
    [5000, 16_000, true],
    [5000, 8 * 3_600_000, true],
    // The clock was set back.
    [5000, -3_600_000, false],
  ])("when a timer of %d ms comes after %d ms: %s", (askedMs, elapsedMs, slept) => {
    expect(hasSlept(askedMs, elapsedMs)).toBe(slept);
  });
});

/** A system's clock that goes on while timers stand still. */
class SleepyClock extends FakeClock {
  sleptMs = 0;

  override now(): number {
    return super.now() + this.sleptMs;
  }
}

function open() {
  const clock = new SleepyClock();
  const awakenings = new Awakenings(clock);
  onTestFinished(() => awakenings.dispose());
  const awoken: number[] = [];
  awakenings.onDidAwake(() => awoken.push(clock.now()));
  return { clock, awakenings, awoken };
}

describe("awakenings", () => {
  test("are told once after each sleep, and not while the computer is awake", () => {
    const { clock, awoken } = open();
    clock.advance(60_000);
    expect(awoken).toEqual([]);
    clock.sleptMs = 3_600_000;
    clock.advance(60_000);
    expect(awoken).toEqual([3_665_000]);
    clock.sleptMs *= 2;
    clock.advance(60_000);
    expect(awoken).toHaveLength(2);
  });

  test("are told when a person comes back to the window after a while", () => {
    const { clock, awakenings, awoken } = open();
    awakenings.focus(true);
    awakenings.focus(false);
    clock.advance(5000);
    awakenings.focus(true);
    expect(awoken).toEqual([]);
    awakenings.focus(false);
    clock.advance(40_000);
    awakenings.focus(false);
    clock.advance(40_000);
    awakenings.focus(true);
    expect(awoken).toHaveLength(1);
  });

  test("end with no timer left", () => {
    const { clock, awakenings } = open();
    awakenings.dispose();
    expect(clock.waiting).toBe(0);
  });
});
