import { expect, test } from "vitest";
import { effects } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asLearnerId, isRunning, type LearnerRow } from "../../../src/scheduler/state/rows";
import { firstChanges } from "./runFixture";

function modelOf(learners: number): Model {
  const model = new Model();
  for (const [i, change] of firstChanges(learners).entries()) model.apply(effects({ ...change, seq: i + 1, time: 0 }));
  return model;
}

test("learners are handed out in the order in which they began to wait, whoever leaves or comes back meanwhile", () => {
  const model = modelOf(4);
  const move = (id: number, state: "waiting" | "stopped") =>
    model.apply([{ table: "learners", key: asLearnerId(id), set: { state } }]);
  const firstWaiting = () => model.waiting.get("default")?.first;
  const handOut = () => {
    const first = firstWaiting();
    if (first !== undefined) move(first, "stopped");
    return first;
  };
  // Looking does not take it.
  expect([firstWaiting(), firstWaiting()]).toEqual([0, 0]);
  expect(handOut()).toBe(0);
  move(1, "stopped");
  move(0, "waiting");
  expect([handOut(), handOut(), handOut(), handOut()]).toEqual([2, 3, 0, undefined]);
  move(1, "waiting");
  expect([handOut(), handOut()]).toEqual([1, undefined]);
});

test("a learner waits in the line of its class, behind those that did before, also when it gets another one", () => {
  const model = modelOf(4);
  const set = (id: number, set: Partial<LearnerRow>) => model.apply([{ table: "learners", key: asLearnerId(id), set }]);
  const lines = () => Object.fromEntries([...model.waiting].map(([name, line]) => [name, [...line]]));
  set(2, { resourceClass: "large" });
  set(0, { resourceClass: "large" });
  expect(lines()).toEqual({ default: [1, 3], large: [2, 0] });
  set(2, { state: "running" });
  set(2, { resourceClass: "default" });
  expect(lines()).toEqual({ default: [1, 3], large: [0] });
  set(2, { state: "waiting" });
  set(0, { state: "stopped", resourceClass: "default" });
  expect(lines()).toEqual({ default: [1, 3, 2], large: [] });
  expect(model.learnerCounts).toMatchObject({ waiting: 3, stopped: 1 });
});

test.each([
  ["submitted", 0, false],
  ["queued", 0, false],
  ["submitted", 1, true],
  ["queued", 1, true],
  ["running", 0, true],
  ["ended", 1, false],
] as const)("a job that is %s and has asked %i times for a learner counts as running: %s", (state, hasAsked, runs) => {
  expect(isRunning({ state, hasAsked })).toBe(runs);
});
