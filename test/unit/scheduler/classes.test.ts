import { expect, test } from "vitest";
import { classified, reclassified, remarksOnClasses, resourcesOf } from "../../../src/scheduler/state/classes";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { defaultSettings } from "./runFixture";

const classes = [
  { name: "large", where: "n>=1000", resources: { cores: 16, walltime: "2-00:00:00" } },
  { name: "odd", where: '"state"=odd n<1000', resources: { memory: "8G" } },
  { name: "named", where: "special", resources: {} },
];
const learner = (combo: object, fname = "data/0") => ({ fname, combo: JSON.stringify(combo) });

test.each([
  [{ n: 1000 }, "data/0", "large"],
  [{ n: 999.5 }, "data/0", "default"],
  [{ n: "1000" }, "data/0", "default"],
  [{ n: 5, state: "odd" }, "data/0", "odd"],
  [{ n: 5000, state: "odd" }, "data/0", "large"],
  [{ state: "odd" }, "data/0", "default"],
  [{ n: 1 }, "data/special", "named"],
  [{}, "data/0", "default"],
])("a learner with %j in %s is in the first class that is for it: %s", (combo, fname, resourceClass) => {
  expect(classified([learner(combo, fname)], { classes })).toMatchObject([{ resourceClass }]);
});

test("a class asks for what it says, and otherwise for what the run does", () => {
  const resources = { ...defaultSettings.resources, cores: 2, partition: "p" };
  const of = (name: string) => resourcesOf({ resources, classes }, name);
  expect(of("large")).toEqual({ ...resources, cores: 16, walltime: "2-00:00:00" });
  expect(of("odd")).toEqual({ ...resources, memory: "8G" });
  expect([of("default"), of("was there once")]).toEqual([resources, resources]);
});

test("with other settings, the learners of the file that are of another class get it", () => {
  const rows = [
    { n: 1, resourceClass: "default", isListed: 1 },
    { n: 2000, resourceClass: "default", isListed: 1 },
    { n: 1, resourceClass: "gone", isListed: 1 },
    { n: 3000, resourceClass: "default", isListed: 0 },
    { n: 4000, resourceClass: "large", isListed: 1 },
    { n: 5000, resourceClass: "default", isListed: 1 },
  ] as const;
  const learners = rows.map(({ n, ...row }, i) => ({ ...learner({ n }), ...row, id: asLearnerId(i) }));
  expect(reclassified(learners, { classes })).toEqual([
    { kind: "learnersClassed", learners: [1, 5], resourceClass: "large" },
    { kind: "learnersClassed", learners: [2], resourceClass: "default" },
  ]);
});

test("a class that is nobody's is remarked", () => {
  expect(remarksOnClasses({ classes }, [{ resourceClass: "large" }, { resourceClass: "default" }])).toEqual([
    'No learner is in the class odd ("state"=odd n<1000) of the setting classes.',
    "No learner is in the class named (special) of the setting classes.",
  ]);
});
