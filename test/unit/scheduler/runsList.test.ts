import { expect, test } from "vitest";
import { type RunState, stateOfRun } from "../../../src/scheduler/commandLine/list";
import { formatBytes } from "../../../src/scheduler/control/bytes";
import { learnerStates, type LearnerState } from "../../../src/scheduler/state/rows";

const none = Object.fromEntries(learnerStates.map((state) => [state, 0])) as Record<LearnerState, number>;

test.each([
  [{ done: 3 }, {}, "active", true, "done"],
  [{ done: 3, removed: 1 }, {}, "stopped", false, "done"],
  [{ done: 2, failed: 1 }, {}, "active", false, "failed"],
  [{ done: 2, stopped: 1 }, {}, "active", false, "stopped"],
  [{ running: 1 }, { running: 1 }, "active", true, "running"],
  [{ waiting: 1 }, { queued: 1 }, "active", true, "running"],
  [{ waiting: 1 }, {}, "active", true, "waiting"],
  [{ waiting: 1 }, {}, "active", false, "idle"],
  [{ waiting: 1 }, {}, "stopped", true, "stopped"],
  [{ waiting: 1 }, {}, "paused", true, "paused"],
  [{ waiting: 1 }, {}, "paused", true, "not started", "not started yet"],
] as [Partial<typeof none>, Record<string, number>, string, boolean, RunState, string?][])(
  "a run with learners %j and jobs %j that is %s, served: %s, is %s",
  (learners, jobs, activity, isServed, state, reason = "") => {
    const scheduler = isServed ? {} : null;
    expect(stateOfRun({ learners: { ...none, ...learners }, jobs, activity, reason, scheduler })).toBe(state);
  },
);

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1_234_567, "1.2 MB"],
  [99_600, "100 kB"],
  [999_600, "1.0 MB"],
  [5e15, "5000 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
