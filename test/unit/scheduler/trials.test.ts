import { describe, expect, test } from "vitest";
import { inWords, propose } from "../../../src/scheduler/control/proposal";
import { asLearnerId, type LearnerId, type LearnerRow } from "../../../src/scheduler/state/rows";
import type { Trial } from "../../../src/scheduler/state/trial";
import { learnersToTry, tryLearners } from "../../../src/scheduler/trials";
import { learnerRow } from "../views/rows";
import { createRunOnDisk, defaultSettings, openStore } from "./runFixture";

const trial = (set: Partial<Trial> = {}): Trial => ({
  at: 0,
  job: "1_1",
  point: "0.0",
  value: "1.0",
  seconds: 1,
  megabytes: 100,
  error: null,
  traceback: null,
  ...set,
});
const settings = { ...defaultSettings, budget: 16, goal: { npoints: 100 } };
const roomy = { settings, freeMegabytes: 16_000 };

describe("what trying points proposes", () => {
  test.each<[string, Trial[], Partial<typeof settings>, object, RegExp]>([
    [
      "points of a second: one core",
      [trial()],
      {},
      { cores: 1, walltime: "0:10:00" },
      /100 points of 1 s on 1 core: about 2 min a learner/,
    ],
    [
      "the slowest point decides",
      [trial(), trial({ seconds: 60 })],
      {},
      { cores: 4, walltime: "1:00:00" },
      /100 points of 60 s on 4 cores: about 25 min/,
    ],
    [
      "no more cores than there are",
      [trial({ seconds: 3600 })],
      { budget: 8 },
      { cores: 8, walltime: "24:00:00" },
      /12 h|13 h/,
    ],
    [
      "no more cores than points to share",
      [trial({ seconds: 3600 })],
      { goal: { npoints: 8 } },
      { cores: 2 },
      /8 points/,
    ],
    [
      "fast points stay in one process",
      [trial({ seconds: 0.0003 })],
      { resources: { ...defaultSettings.resources, cores: 8 } },
      { cores: 1 },
      /0\.30 ms, less than handing it to another process/,
    ],
    [
      "without a number of points",
      [trial({ seconds: 45 })],
      { goal: { loss: 0.1 } as never },
      { cores: 1, walltime: "1:00:00" },
      /About 80 points per hour and core/,
    ],
    [
      "points slower than saving",
      [trial({ seconds: 400 })],
      {},
      { cores: 16 },
      /longer than the 5 min between two saves/,
    ],
    ["points larger than memory", [trial({ megabytes: 20_000 })], {}, {}, /1 × 20000 MB is more than the 16000 MB/],
  ])("%s", (_, trials, more, expected, words) => {
    const proposal = propose(trials, { ...roomy, settings: { ...settings, ...more } });
    expect(proposal).toMatchObject(expected);
    expect(proposal?.reasons.join(" ")).toMatch(words);
  });

  test("is nothing when no point was evaluated", () => {
    expect(propose([trial({ error: "ZeroDivisionError" })], roomy)).toBeNull();
  });
});

test.each<[string, Partial<LearnerRow>[], number[]]>([
  ["none of none", [], []],
  ["one of one", [{}], [0]],
  ["the first, the middle and the last", [{}, {}, {}, {}, {}], [0, 2, 4]],
  ["not those that are done", [{ state: "done" }, {}, {}, { state: "done" }], [1, 2]],
  ["those that are done when all are", [{ state: "done" }, { state: "done" }], [0, 1]],
  ["not those that are gone", [{ isListed: 0, state: "removed" }, {}], [1]],
])("of a run is tried %s", (_, rows, expected) => {
  expect(learnersToTry(rows.map((set, id) => learnerRow(id, set)))).toEqual(expected);
});

test.each([
  [0.0003, "0.30 ms"],
  [4.23, "4.2 s"],
  [0.0114, "11 ms"],
  [0.3012, "300 ms"],
  [0.0998, "100 ms"],
  [600, "10 min"],
  [12_600, "3.5 h"],
])("%s seconds are %s", (seconds, words) => {
  expect(inWords(seconds)).toBe(words);
});

test("learners of different classes are tried in different jobs; a proposal is for those of none", async () => {
  const classes = [{ name: "large", where: "offset>=2", resources: { cores: 2 } }];
  const store = await openStore(await createRunOnDisk(4, { ...settings, classes }));
  store.record({ kind: "learnersClassed", learners: [asLearnerId(2), asLearnerId(3)], resourceClass: "large" });
  const jobs: (readonly LearnerId[])[] = [];
  const loop = {
    try: async (learners: readonly LearnerId[]) => {
      jobs.push(learners);
      const seconds = learners.includes(asLearnerId(2)) ? 3600 : 1;
      store.record({ kind: "pointsTried", learners, trials: learners.map(() => JSON.stringify(trial({ seconds }))) });
      await store.synced();
    },
  };
  const { trials, proposal } = await tryLearners([0, 2, 1, 3], store, loop);
  expect(jobs).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect(trials).toHaveLength(4);
  expect(proposal?.cores).toBe(1);
  await store.close();
});
