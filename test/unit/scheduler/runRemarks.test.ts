import { expect, test } from "vitest";
import { hasRemark, remarkOnMpi, withRemark } from "../../../src/scheduler/state/runRemarks";

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

test("without MPI a run says why, what MPI would give, the command that brings it, and what stays unused", () => {
  const noMpi = { why: "python has\nno mpi4py", hint: "python -m pip install mpi4py mpich" };
  const gives = "MPI could use several nodes for one learner: python -m pip install mpi4py mpich";
  const remark = `Processes evaluate the points: python has no mpi4py. ${gives}`;
  expect(remarkOnMpi(noMpi)).toBe(remark);
  expect(remarkOnMpi({ ...noMpi, nodes: 2 })).toBe(
    `Processes evaluate the points: python has no mpi4py. Of a job's 2 nodes only the first computes; set resources.nodes to 1. ${gives}`,
  );
  expect(withRemark(`Jobs run with numpy 1\n${remark}`, "withoutMpi", null)).toBe("Jobs run with numpy 1");
});
