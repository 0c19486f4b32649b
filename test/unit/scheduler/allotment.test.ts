import { describe, expect, test } from "vitest";
import { allot, givesWay, type Claim } from "../../../src/scheduler/jobs/allotment";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { assigned, defaultSettings, firstChanges } from "./runFixture";

const claim = (resourceClass: string, short: number, has = 0, cores = 1): Claim => ({
  resourceClass,
  short,
  has,
  cores,
});
const jobs = (jobs: number, cores = Infinity) => ({ jobs, cores });

describe("a room is shared out", () => {
  test.each([
    ["to one class as a whole", [claim("a", 9)], jobs(5), { a: 5 }],
    ["to one class as far as it goes", [claim("a", 3)], jobs(5), { a: 3 }],
    ["evenly", [claim("a", 9), claim("b", 9)], jobs(6), { a: 3, b: 3 }],
    ["with the odd one for the first", [claim("b", 9), claim("a", 9)], jobs(3), { b: 2, a: 1 }],
    ["so that who has less catches up", [claim("a", 9, 4), claim("b", 9, 1)], jobs(5), { a: 1, b: 4 }],
    ["so that nobody starves", [claim("a", 1000, 9), claim("b", 1)], jobs(1), { b: 1 }],
    ["all of it, when others need little", [claim("a", 9), claim("b", 1)], jobs(6), { a: 5, b: 1 }],
    ["not at all when there is none", [claim("a", 9)], jobs(0), {}],
    ["not at all when there are too many", [claim("a", 9)], jobs(-3), {}],
    ["not to who needs nothing", [claim("a", -4), claim("b", 2)], jobs(9), { b: 2 }],
    ["by cores", [claim("a", 9, 0, 1), claim("b", 9, 0, 4)], jobs(9, 8), { a: 4, b: 1 }],
    ["by cores, kept for a first job", [claim("a", 9, 3, 1), claim("b", 9, 0, 4)], jobs(9, 1), {}],
  ])("%s", (_, claims, room, given) => {
    expect(Object.fromEntries(allot(claims, room))).toEqual(given);
  });
});

/** Learners 0 to 3 of the class by default and 4 to 7 of `large`, and jobs of these classes. */
function modelWith(classes: readonly string[], ...more: NewChange[]): Model {
  const model = new Model();
  const classed: NewChange = {
    kind: "learnersClassed",
    learners: [4, 5, 6, 7].map(asLearnerId),
    resourceClass: "large",
  };
  const submitted = classes.map((resourceClass, i): NewChange => {
    return { kind: "jobsSubmitted", submission: i, resourceClass, jobs: [{ id: asJobId(`${i}`), name: "" }] };
  });
  [...firstChanges(8), classed, ...submitted, ...more].forEach((change, i) =>
    model.apply(effects({ ...change, seq: i + 1, time: i })),
  );
  return model;
}
const done = (job: number, learner: number): NewChange => ({
  kind: "learnerDone",
  learner: asLearnerId(learner),
  job: asJobId(`${job}`),
  requestNumber: 2,
  npoints: 1,
  loss: null,
});
const dismissed = (job: number): NewChange => ({
  kind: "jobDismissed",
  job: asJobId(`${job}`),
  restart: 0,
  instance: "i",
  requestNumber: 1,
  host: "n1",
  why: "",
});
const submitting: NewChange = { kind: "jobsSubmitting", submission: 9, resourceClass: "large", count: 1, tries: null };
const paused: NewChange = { kind: "activityChanged", activity: "paused", stopsGently: 0, reason: null };

describe("job 0, which asks for its next learner, gives way to a class without a job", () => {
  const first = [assigned("0", 0), done(0, 0)];
  test.each<[string, readonly string[], NewChange[], boolean]>([
    ["when there is no room for one", ["default", "default"], [...first, assigned("1", 1)], true],
    ["not when there is", ["default"], first, false],
    ["not when it has one", ["default", "large"], first, false],
    ["not when one is being submitted", ["default", "default"], [...first, submitting], false],
    ["not when another job makes room already", ["default", "default"], [...first, dismissed(1)], false],
    ["not before it has had a learner", ["default", "default"], [], false],
    ["not while nothing is submitted", ["default", "default"], [...first, paused], false],
    [
      "not when nobody waits in that",
      ["default", "default"],
      [...first, { kind: "learnersMoved", learners: [4, 5, 6, 7].map(asLearnerId), state: "stopped", reason: "" }],
      false,
    ],
  ])("%s", (_, classes, changes, verdict) => {
    const model = modelWith(classes, ...changes);
    const limits = { settings: { ...defaultSettings, maxJobs: 2 }, sharedCores: null };
    expect(givesWay(model.job(asJobId("0")), model, limits)).toBe(verdict);
  });

  test("when the cores do not suffice for one", () => {
    const settings = { ...defaultSettings, classes: [{ name: "large", where: "n>1", resources: { cores: 3 } }] };
    const model = modelWith(["default", "default"], ...first);
    const isGiven = (sharedCores: number) => givesWay(model.job(asJobId("0")), model, { settings, sharedCores });
    expect([isGiven(4), isGiven(5)]).toEqual([true, false]);
  });
});
