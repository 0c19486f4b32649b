import { describe, expect, it } from "vitest";
import { asJobId, asLearnerId, type LearnerState, learnerStates } from "../../../src/scheduler/state/rows";
import { cancellableAt, jobsTree } from "../../../src/views/jobsTreeModel";
import manifest from "../../../package.json";
import {
  conditionNode,
  groupPage,
  learnerOfNode,
  learnersTree,
  needNode,
  stateOfGroup,
} from "../../../src/views/learnersTreeModel";
import { changedNodes, NodesById, type TreeNode } from "../../../src/views/treeNodes";
import { group, jobView, leaf, learnerRow } from "./rows";

const none = Object.fromEntries(learnerStates.map((state) => [state, 0])) as Record<LearnerState, number>;
const page = (rows: ReturnType<typeof learnerRow>[], total = rows.length) => ({ total, offset: 0, rows });

/** A tree as a person reads it. */
function lines(nodes: readonly TreeNode[], indent = ""): string[] {
  return nodes.flatMap((node) => [
    `${indent}${node.label}  ${node.description}`.trimEnd(),
    ...lines(node.children?.nodes ?? [], `${indent}  `),
  ]);
}

describe("the tree of learners", () => {
  it("does what a click asks for from the first second on: the editor knows whom it trusts only later", () => {
    const many = page([learnerRow(1, { state: "running" })], groupPage + 1);
    const nodes = [
      ...needNode({ at: "needsUser", what: "a password" }),
      ...conditionNode({ kind: "finished", word: "", line: "", detail: "", hint: "", code: "", hasFailed: false }),
      ...(learnersTree({ ...none, running: groupPage + 1 }, new Map([["running", many]]))[0]?.children?.nodes ?? []),
    ];
    const clicked = nodes.flatMap(({ command }) => command?.id ?? []);
    expect(new Set(clicked).size).toBe(4);
    const commands = manifest.contributes.commands.filter(({ command }) => clicked.includes(command));
    expect(commands.map(({ enablement }) => enablement ?? "")).not.toContainEqual(expect.stringContaining("Trusted"));
  });

  it("groups them by state, each one line", () => {
    const tree = learnersTree(
      { ...none, running: 1, waiting: 3, done: 84, failed: 1 },
      new Map([
        ["running", page([learnerRow(1, { state: "running", npoints: 1412, loss: 0.013 })])],
        ["failed", page([learnerRow(0, { state: "failed", npoints: 3, error: "ZeroDivisionError" })])],
      ]),
    );
    expect(lines(tree)).toEqual([
      "Running  1",
      "  offset=0.1  1\u202f412 pts  loss 1.3e-2",
      "Waiting  3",
      "Done  84",
      "Failed  1",
      "  offset=0  ZeroDivisionError",
    ]);
    expect(tree.map((node) => node.children?.isExpanded)).toEqual([true, false, false, true]);
  });

  it("has a short line for each, however long its words and those of all others are", () => {
    const long = "mpi4py finds no MPI library in /opt ".repeat(100);
    const trial = JSON.stringify({
      job: "1_1",
      point: "0",
      value: null,
      seconds: 0,
      megabytes: 0,
      traceback: null,
      at: 1,
      error: long,
    });
    const rows = [{ error: long }, { reason: long }, { remark: long, npoints: 1, loss: 0.5 }, { trial }];
    for (const state of learnerStates) {
      const all = page(rows.map((row, id) => learnerRow(id, { ...row, state })));
      const [group] = learnersTree({ ...none, [state]: rows.length }, new Map([[state, all]]));
      const lengths = (group?.children?.nodes ?? []).map(({ description }) => description.length);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(150);
    }
  });

  it("says what is wrong with one that was tried, and what to know of its data", () => {
    const trial = { job: "1_1", point: "0.0", value: null, seconds: 0, megabytes: 0, traceback: null };
    const failed = JSON.stringify({ ...trial, at: 1, error: "ZeroDivisionError: division by zero" });
    const well = JSON.stringify({ ...trial, at: 1, value: "1.5", seconds: 2, megabytes: 40, error: null });
    const remark = "unreadable data kept as 3.pickle.unreadable";
    const rows = [
      learnerRow(0, { trial: failed }),
      learnerRow(1, { trial: well }),
      learnerRow(2, { trial: failed, changedAt: 2 }),
      learnerRow(3, { npoints: 7, loss: 0.5, remark }),
    ];
    const [group] = learnersTree({ ...none, waiting: 4 }, new Map([["waiting", page(rows)]]));
    expect(group?.children?.nodes.map(({ description }) => description)).toEqual([
      "tried: ZeroDivisionError: division by zero",
      "",
      "",
      `7 pts  loss 0.50  ${remark}`,
    ]);
    expect(group?.children?.nodes.map(({ tooltip }) => tooltip)).toEqual([
      "offset=0\ndata/0.pickle\ntried: ZeroDivisionError: division by zero",
      "offset=0.1\ndata/1.pickle\ntried: f(0.0) = 1.5, 2 s, 40 MB",
      "offset=0.2\ndata/2.pickle",
      `offset=0.3\ndata/3.pickle\n${remark}`,
    ]);
  });

  it("says an error once, whatever else says it too", () => {
    const error = "ZeroDivisionError: division by zero";
    const reasons = [error, `failed 3 times: ${error}`, `no progress in 5 jobs: ${error}`, null];
    const rows = reasons.map((reason, i) => learnerRow(i, { state: "failed", error, reason }));
    const [group] = learnersTree({ ...none, failed: rows.length }, new Map([["failed", page(rows)]]));
    expect(group?.children?.nodes.map(({ tooltip }) => tooltip)).toEqual(
      reasons.map((reason, i) => `offset=${i / 10}\ndata/${i}.pickle\n${reason ?? error}`),
    );
  });

  it("names a learner's class, where that is not the usual one", () => {
    const rows = [learnerRow(0, { resourceClass: "large" }), learnerRow(1)];
    const [group] = learnersTree({ ...none, waiting: 2 }, new Map([["waiting", page(rows)]]));
    const tooltips = group?.children?.nodes.map(({ tooltip }) => tooltip);
    expect(tooltips).toEqual(["offset=0\ndata/0.pickle\nclass large", "offset=0.1\ndata/1.pickle"]);
  });

  it("says a label whole where the pointer rests: a narrow side bar cuts its end off", () => {
    const rows = [
      learnerRow(0, { combo: JSON.stringify({ method: "averaged_over_the_second_shell", offset: 0.5 }) }),
      learnerRow(1, { combo: "{}" }),
    ];
    const [group] = learnersTree({ ...none, waiting: 2 }, new Map([["waiting", page(rows)]]));
    const tooltips = group?.children?.nodes.map(({ tooltip }) => tooltip);
    expect(tooltips).toEqual(["method=averaged_over_the_second_shell, offset=0.5\ndata/0.pickle", "data/1.pickle"]);
  });

  it("shows a part of a hundred thousand, and how to see more", () => {
    const rows = Array.from({ length: groupPage }, (_, i) => learnerRow(i));
    const [group] = learnersTree({ ...none, waiting: 100_000 }, new Map([["waiting", page(rows, 100_000)]]));
    expect(group?.children?.nodes).toHaveLength(groupPage + 1);
    expect(lines(group?.children?.nodes ?? []).at(-1)).toBe("Show more…  200 of 100\u202f000");
  });

  it("says in its context what can be done with a learner", () => {
    const failed = learnerRow(1, { state: "failed", lastJobId: asJobId("7_1") });
    const [group] = learnersTree({ ...none, failed: 1 }, new Map([["failed", page([failed])]]));
    expect(group?.context).toBe("group failed");
    expect(group?.children?.nodes[0]?.context).toBe("learner failed job");
  });

  it("finds the learner or the state that a node stands for", () => {
    expect([learnerOfNode("learner:12"), learnerOfNode("group:done"), learnerOfNode("learner:x")]).toEqual([
      12,
      null,
      null,
    ]);
    expect([stateOfGroup("group:done"), stateOfGroup("learner:12")]).toEqual(["done", null]);
  });
});

describe("the tree of jobs", () => {
  it("shows what runs by submission, and what has ended below with its reason", () => {
    const nowMs = 100_000;
    const learner = { id: asLearnerId(5), combo: '{"offset":0.51}', fname: "a", npoints: 3 };
    const tree = jobsTree(
      [
        jobView("7_10", { reason: "waiting for resources" }),
        jobView("7_2", { state: "running", startedAt: nowMs - 42_000, host: "n2", learner }),
        jobView("8_1", { state: "submitted" }),
        jobView("9_1", { state: "submitted", resourceClass: "try" }),
        jobView("6_1", { state: "ended", startedAt: 1000, endedAt: 61_000, exitCode: 1, reason: "killed" }),
        jobView("6_2", { state: "ended", startedAt: 1000, endedAt: 61_000, exitCode: 0 }),
      ],
      nowMs,
    );
    expect(lines(tree)).toEqual([
      "7  peaks  array of 2",
      "  7_2  running 0:42  n2  offset=0.51",
      "  7_10  queued (waiting for resources)",
      "8  peaks  one job",
      "  8_1  submitted",
      "9  peaks  tries one point",
      "  9_1  submitted",
      "Ended  2",
      "  6_1  exit code 1 · killed · after 1:00 · 39 s ago",
      "  6_2  after 1:00 · 39 s ago",
    ]);
    expect(tree[0]?.children?.nodes[0]?.context).toBe("job running started learner cancellable");
    expect(tree[0]?.context).toBe("submission cancellable");
  });

  it.each([
    [{ ending: "exit", exitCode: 0 }, "pass", ""],
    [{ ending: "exit", exitCode: 3, reason: "the disk was full" }, "error", "exit code 3 · the disk was full"],
    [{ ending: "exit", exitCode: 3, reason: "ended with exit code 3" }, "error", "ended with exit code 3"],
    [{ ending: "memory", exitCode: 137, reason: "was killed by signal 9" }, "error", "was killed by signal 9"],
    [{ ending: "node failure", exitCode: null, reason: "lost its node" }, "warning", "lost its node"],
    [{ ending: "node failure", exitCode: 0, reason: "lost its node" }, "warning", "lost its node"],
    [{ ending: "lost", exitCode: null, reason: "was killed" }, "warning", "was killed"],
    [{ ending: "preempted", exitCode: 143, reason: "was told to end" }, "warning", "was told to end"],
    [{ ending: "walltime", exitCode: 1, reason: "reached its walltime" }, "clock", "reached its walltime"],
    [{ ending: "cancelled", exitCode: 137, reason: "was cancelled" }, "circle-slash", "was cancelled"],
    [{ ending: "cancelled by us", exitCode: 137, reason: "was cancelled" }, "circle-slash", "was cancelled"],
    [{ ending: "exit", exitCode: 137, cancelledAt: 1, reason: "was cancelled" }, "circle-slash", "was cancelled"],
  ] as const)("shows an end for what it was: %o", (end, codicon, words) => {
    const [ended] = jobsTree([jobView("6_1", { state: "ended", ...end })], 0);
    expect(ended?.children?.nodes[0]).toMatchObject({ icon: { codicon }, description: words || "ended" });
  });

  it("finds the jobs that a node stands for and that can be cancelled", () => {
    const jobs = [
      jobView("7_1"),
      jobView("7_2", { cancelledAt: 1 }),
      jobView("7_3", { state: "ended" }),
      jobView("8_1"),
    ];
    const idsAt = (node: string) => cancellableAt(node, jobs).map(({ jobId }) => jobId);
    expect(["job:7_1", "job:7_2", "submission:7", "ended", "job:9_9"].map(idsAt)).toEqual([
      ["7_1"],
      [],
      ["7_1"],
      [],
      [],
    ]);
  });

  it("shows a job as running once it has asked for a learner, though the queue was not asked since", () => {
    const [group] = jobsTree([jobView("7_1", { hasAsked: 1, host: "n2" })], 0);
    expect(group?.children?.nodes).toMatchObject([{ description: "running  n2", context: "job running cancellable" }]);
  });

  it("names the class of jobs that is not the usual one", () => {
    const jobs = [
      jobView("7_1", {}),
      jobView("8_1", { resourceClass: "large" }),
      jobView("8_2", { resourceClass: "large" }),
    ];
    const descriptions = jobsTree(jobs, 0).map(({ description }) => description);
    expect(descriptions).toEqual(["peaks  one job", "peaks  array of 2  class large"]);
  });

  it("is empty without jobs", () => {
    expect(jobsTree([], 0)).toEqual([]);
  });
});

describe("what has to be drawn again", () => {
  const before = [group("a", leaf("a1"), leaf("a2")), group("b", leaf("b1"))];

  it.each([
    ["nothing", before, []],
    ["a line", [group("a", leaf("a1"), leaf("a2", "new")), group("b", leaf("b1"))], ["a2"]],
    ["a list, with what is below it", [group("a", leaf("a1", "new")), group("b", leaf("b1"))], ["a"]],
    ["the whole, when a group has gone", [group("a", leaf("a1"), leaf("a2"))], null],
  ])("is %s", (_, after, ids) => {
    expect(changedNodes(before, after)).toEqual(ids);
  });

  it("and what has gone is drawn as it was until the editor has drawn that it has", () => {
    const nodes = new NodesById();
    nodes.replace(before);
    nodes.replace([group("a", leaf("a1", "new"))]);
    expect(nodes.get("a2")).toEqual(leaf("a2"));
    expect(nodes.childrenOf("b")).toEqual([]);
    nodes.replace([group("a", leaf("a2", "back"))]);
    expect([nodes.get("a1"), nodes.get("a2"), nodes.get("b1")]).toEqual([
      leaf("a1", "new"),
      leaf("a2", "back"),
      leaf("b1"),
    ]);
    for (let i = 0; i < 1100; i += 1) nodes.replace([leaf(`job ${i}`)]);
    expect([nodes.get("a1"), nodes.get("job 0"), nodes.get("job 1098")]).toEqual([
      undefined,
      undefined,
      leaf("job 1098"),
    ]);
  });
});
