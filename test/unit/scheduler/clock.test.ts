import { expect, test, vi } from "vitest";
import { steadyClock, systemClock } from "../../../src/scheduler/state/clock";

test("what waits are measured by does not follow the system's time when that is set", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const [steady, system] = [steadyClock.now(), systemClock.now()];
    vi.setSystemTime(system + 7_200_000);
    expect(systemClock.now() - system).toBe(7_200_000);
    expect(steadyClock.now() - steady).toBeLessThan(3_600_000);
  } finally {
    vi.useRealTimers();
  }
});
