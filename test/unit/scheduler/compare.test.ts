import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeComparison, removesMany } from "../../../src/scheduler/control/studyComparison";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { missesGoal } from "../../../src/scheduler/state/missesGoal";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { Goal } from "../../../src/scheduler/state/settings";
import {
  changesOf,
  compareLearners,
  countsOf,
  needsConsent,
  type ListedLearner,
} from "../../../src/scheduler/study/compare";
import { numbered } from "../remote/runHistory";
import { assigned, firstChanges } from "./runFixture";

const listed = (names: readonly string[], more: Partial<ListedLearner> = {}): ListedLearner[] =>
  names.map((fname, position) => {
    const offset = fname.split("/")[1] ?? "";
    const combo = JSON.stringify({ offset: Number(offset) });
    return { position, fname, combo, type: "Learner1D", bounds: null, resourceClass: "default", ...more };
  });

function modelAfter(...changes: NewChange[]): Model {
  const model = new Model();
  apply(model, [...firstChanges(4), ...changes]);
  return model;
}

function apply(model: Model, changes: readonly NewChange[]): void {
  for (const change of numbered(changes)) model.apply(effects(change));
}

/** Brings a model in line with a file. */
function update(model: Model, file: readonly ListedLearner[]): void {
  apply(model, changesOf(compareLearners(model.learners.values(), file), model.learners).changes);
}

const running = assigned("1_1", 0);
const done = (learner: number): NewChange => ({
  kind: "learnerDone",
  learner: asLearnerId(learner),
  job: asJobId("1_1"),
  requestNumber: null,
  npoints: 9,
  loss: 0.5,
});
const all = ["data/0", "data/1", "data/2", "data/3"];
const states = (model: Model) => [...model.learners.values()].map(({ state }) => state);

describe("an edited learners file", () => {
  test.each<[string, ListedLearner[], object, string[]]>([
    ["that has the same learners", listed(all), { unchanged: 4 }, ["running", "done", "waiting", "waiting"]],
    [
      "that has another one in front",
      listed(["data/9", ...all]),
      { added: 1, moved: 4 },
      ["running", "done", "waiting", "waiting", "waiting"],
    ],
    ["in another order", listed([...all].reverse()), { moved: 4 }, ["running", "done", "waiting", "waiting"]],
    [
      "that lacks a done and a waiting one",
      listed(["data/0", "data/3"]),
      { missing: 2, moved: 1, unchanged: 1 },
      ["running", "removed", "removed", "waiting"],
    ],
    ["that lacks the running one", listed(all.slice(1)), { missing: 1 }, ["running", "done", "waiting", "waiting"]],
    [
      "that makes another type of them",
      listed(all, { type: "Learner2D" }),
      { changed: 4 },
      ["running", "waiting", "waiting", "waiting"],
    ],
  ])("%s", (_, file, counts, after) => {
    const model = modelAfter(running, done(1));
    const comparison = compareLearners(model.learners.values(), file);
    expect(countsOf(comparison)).toMatchObject(counts);
    update(model, file);
    expect(states(model)).toEqual(after);
    expect(countsOf(compareLearners(model.learners.values(), file))).toMatchObject({ unchanged: file.length });
  });

  test("has a running learner that is gone stopped, and takes it back when it returns", () => {
    const model = modelAfter(running);
    const { changes, stop } = changesOf(compareLearners(model.learners.values(), listed(all.slice(1))), model.learners);
    expect(stop).toEqual([0]);
    apply(model, changes);
    expect(model.learner(asLearnerId(0))).toMatchObject({ state: "running", isStopping: 1, isListed: 0 });
    update(model, listed(all));
    expect(model.learner(asLearnerId(0))).toMatchObject({ isListed: 1 });
  });

  test("without known bounds does not change those that were known", () => {
    const model = modelAfter();
    update(model, listed(all, { bounds: "[[0,1]]" }));
    expect(needsConsent(compareLearners(model.learners.values(), listed(all)))).toBe(false);
    expect(needsConsent(compareLearners(model.learners.values(), listed(all, { bounds: "[[0,2]]" })))).toBe(true);
  });

  const files = fc
    .uniqueArray(fc.nat(12), { minLength: 1 })
    .map((names) => listed(names.map((name) => `data/${name}`)));

  test("after any edits: what is compared again is the same, ids are not used twice, done stays done", () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 1, maxLength: 6 }), (edits) => {
        const model = modelAfter(done(1));
        for (const file of edits) {
          const before = new Map([...model.learners].map(([id, { fname }]) => [id, fname]));
          update(model, file);
          const { added, missing, returned, moved, changed } = compareLearners(model.learners.values(), file);
          expect([added, missing, returned, moved, changed]).toEqual([[], [], [], [], []]);
          for (const [id, fname] of before) expect(model.learner(id).fname).toBe(fname);
          const isListed = file.some(({ fname }) => fname === "data/1");
          if (!isListed) expect(model.learner(asLearnerId(1)).state).toBe("removed");
          expect(model.learners.size).toBe(new Set([...model.learners.values()].map(({ fname }) => fname)).size);
        }
      }),
    );
  });

  test("is described in words", () => {
    const none = { added: 0, missing: 0, returned: 0, changed: 0, moved: 3, unchanged: 97 };
    expect(describeComparison(none)).toBe("the same learners, with other code");
    expect(describeComparison({ ...none, added: 12, missing: 3, changed: 2 })).toBe(
      "12 new, 3 gone (their data stays), 2 changed",
    );
    expect(removesMany({ ...none, missing: 11 })).toBe(false);
    expect(removesMany({ ...none, missing: 12 })).toBe(true);
  });
});

test.each<[Goal | null, number, number | null, boolean | null]>([
  [{ npoints: 10 }, 9, 0.5, true],
  [{ npoints: 10 }, 10, 0.5, false],
  [{ loss: 0.1 }, 9, 0.5, true],
  [{ loss: 0.1 }, 9, null, true],
  [{ loss: 0.1 }, 9, 0.1, false],
  [{ npoints: 10, loss: 0.6 }, 9, 0.5, false],
  [{ npoints: 10, seconds: 5 }, 9, 0.5, null],
  [{ endTime: "2027-01-01T00:00:00Z" }, 9, 0.5, null],
  [null, 9, 0.5, null],
])("goal %j is missed with %s points and loss %s: %s", (goal, npoints, loss, misses) => {
  expect(missesGoal({ npoints, loss }, goal)).toBe(misses);
});
