import { expect, test } from "vitest";
import { effects } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { firstChanges } from "./runFixture";

test("learners are handed out in the order in which they began to wait, whoever leaves or comes back meanwhile", () => {
  const model = new Model();
  for (const [i, change] of firstChanges(4).entries()) model.apply(effects({ ...change, seq: i + 1, time: 0 }));
  const move = (id: number, state: "waiting" | "stopped") =>
    model.apply([{ table: "learners", key: asLearnerId(id), set: { state } }]);
  const handOut = () => {
    const first = model.firstWaiting;
    if (first !== undefined) move(first, "stopped");
    return first;
  };
  // Looking does not take it.
  expect([model.firstWaiting, model.firstWaiting]).toEqual([0, 0]);
  expect(handOut()).toBe(0);
  move(1, "stopped");
  move(0, "waiting");
  expect([handOut(), handOut(), handOut(), handOut()]).toEqual([2, 3, 0, undefined]);
  move(1, "waiting");
  expect([handOut(), handOut()]).toEqual([1, undefined]);
});
