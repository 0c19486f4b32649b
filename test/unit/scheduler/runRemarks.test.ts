import { expect, test } from "vitest";
import { hasRemark, withRemark } from "../../../src/scheduler/state/runRemarks";

test("of each kind a run has one remark, the newest, and others beside it", () => {
  const versions = withRemark(null, "versions", "Jobs run with numpy 1");
  const both = withRemark(versions, "walltime", "The queue gives jobs 60 s");
  expect(both).toBe("Jobs run with numpy 1\nThe queue gives jobs 60 s");
  expect([hasRemark(both, "versions"), hasRemark(both, "walltime"), hasRemark(both, "ignoredVariables")]).toEqual([
    true,
    true,
    false,
  ]);
  const newer = withRemark(both, "walltime", "The queue gives jobs 30 s");
  expect(newer).toBe("Jobs run with numpy 1\nThe queue gives jobs 30 s");
  expect(withRemark(newer, "versions", null)).toBe("The queue gives jobs 30 s");
  expect(withRemark(versions, "versions", null)).toBeNull();
});
