import { expect, test } from "vitest";
import { hasRemark, withRemark } from "../../../src/scheduler/state/runRemarks";
import { descriptorLimit, maxConnections, remarkOnConnections } from "../../../src/scheduler/workers/connections";

test.each([
  [Infinity, Infinity],
  [20_000, 19_744],
  [1024, 768],
  [256, 128],
  [3, 1],
])("of %d descriptors %d are for jobs", (limit, most) => {
  expect(maxConnections(limit)).toBe(most);
});

test("who wants more jobs than can be connected learns how many there are, why, and what helps", () => {
  expect(remarkOnConnections(768, 1024)).toBeNull();
  const remark = remarkOnConnections(5000, 1024);
  expect(remark).toBe(
    'At most 768 jobs are there at a time, not 5000: each keeps a connection to the scheduler, which this machine lets have 1024 files open. For more, start the scheduler where "ulimit -Hn" says at least 5256.',
  );
  expect(hasRemark(withRemark(null, "connections", remark), "connections")).toBe(true);
});

test("the system says how many descriptors this process may have", () => {
  expect(descriptorLimit()).toBeGreaterThan(20);
});
