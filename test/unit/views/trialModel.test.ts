import { describe, expect, test } from "vitest";
import type { TriedLearner } from "../../../src/scheduler/control/protocol";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import type { Trial } from "../../../src/scheduler/state/trial";
import { freshTrial, isNews, tracebacksOf, trialLine, trialWords, withProposal } from "../../../src/views/trialModel";
import { defaultSettings } from "../scheduler/runFixture";
import { goodTrial as good, learnerRow } from "./rows";

const traceback = `Traceback (most recent call last):
  File "/home/ann/peaks/.adaptive/code/ec73b2d9c03afd75/_learners.py", line 20, in transmission
    helpers.solve(1, 0)
  File "/home/ann/peaks/.adaptive-fine/code/ec73b2d9c03afd75/lib/helpers.py", line 7, in solve
    return numpy.linalg.inv(matrix)
  File "/opt/python/numpy/linalg.py", line 615, in inv
    raise LinAlgError("Singular matrix")
LinAlgError: Singular matrix`;
const error = "LinAlgError: Singular matrix in transmission at x = -1.0";
const bad: Trial = { ...good, value: null, error, traceback };
const tried = (id: number, trial: Trial): TriedLearner => {
  const { fname, combo } = learnerRow(id);
  return { id: asLearnerId(id), fname, combo, trial };
};
const proposal = { cores: 4, walltime: "1:00:00", reasons: ["100 points of 60 s on 4 cores: about 25 min a learner."] };

describe("what trying points gave, in words", () => {
  test.each<[string, TriedLearner[], typeof proposal | null, string]>([
    [
      "one point and its proposal",
      [tried(1, good)],
      proposal,
      "The point took 10 ms, 35 MB. 100 points of 60 s on 4 cores: about 25 min a learner. Proposed for each job: 4 cores, walltime 1:00:00.",
    ],
    [
      "several",
      [tried(0, good), tried(1, { ...good, seconds: 60, megabytes: 2000 })],
      null,
      "One point of each of 2 learners took 10 ms to 60 s, 2000 MB.",
    ],
    ["a failure", [tried(0, good), tried(1, bad)], proposal, `offset=0.1: ${error}.`],
    [
      "failures",
      [tried(1, bad), tried(2, bad), tried(3, bad)],
      null,
      `offset=0.1: ${error}. 2 other learners failed too.`,
    ],
  ])("%s", (_, trials, proposed, words) => {
    expect(trialWords(trials, proposed)).toBe(words);
  });

  test("in a line", () => {
    expect([trialLine(good), trialLine(bad)]).toEqual(["f(-1.0) = 0.044, 10 ms, 35 MB", error]);
  });
});

describe("the tracebacks of trials that failed", () => {
  const folder = "/home/ann/peaks";
  test("are each shown once for all learners that it is of", () => {
    const other = { ...bad, error: "its job was killed before it could tell", traceback: null };
    const text = tracebacksOf([tried(0, bad), tried(1, good), tried(2, bad), tried(3, other)], folder);
    expect(text).toContain('File "/home/ann/peaks/_learners.py", line 20');
    expect(text).not.toContain(".adaptive");
    expect(text.match(/^# .*/gm)).toEqual([
      `# offset=0: ${error}`,
      `# offset=0.2: ${error}`,
      "# offset=0.3: its job was killed before it could tell",
    ]);
    expect(text.match(/^Traceback/gm)).toHaveLength(1);
  });
});

test.each([
  ["waits", learnerRow(1, { trial: JSON.stringify(good), changedAt: 0 }), good],
  ["was set to waiting since", learnerRow(1, { trial: JSON.stringify(good), changedAt: 6000 }), null],
  ["runs", learnerRow(1, { trial: JSON.stringify(good), state: "running" }), null],
  ["was not tried", learnerRow(1), null],
])("a trial is news or not of a learner that %s", (_, learner, trial) => {
  expect(freshTrial(learner)).toEqual(trial);
});

describe("a proposal", () => {
  const run = (cores: number, walltime: string | null) => ({
    settings: JSON.stringify({ ...defaultSettings, resources: { ...defaultSettings.resources, cores, walltime } }),
  });
  test.each([
    [1, "1:00:00", true],
    [4, null, true],
    [4, "1:00:00", false],
    [4, "60", false],
  ])("is news for %d cores and a walltime of %s: %s", (cores, walltime, isOther) => {
    expect(isNews(proposal, run(cores, walltime))).toBe(isOther);
  });

  test.each([
    ["an empty file", "", '{\n  "resources": {\n    "cores": 4,\n    "walltime": "1:00:00"\n  }\n}\n'],
    [
      "comments, order and indentation kept",
      '{\n    // why\n    "resources": {\n        "walltime": "0:10:00", // short\n        "cores": 1\n    },\n    "goal": { "npoints": 300 }\n}\n',
      '{\n    // why\n    "resources": {\n        "walltime": "1:00:00", // short\n        "cores": 4\n    },\n    "goal": { "npoints": 300 }\n}\n',
    ],
    [
      "in one line",
      '{\n\t"resources": { "cores": 1 }\n}\n',
      '{\n\t"resources": {\n\t\t"cores": 4,\n\t\t"walltime": "1:00:00"\n\t}\n}\n',
    ],
  ])("is written into %s", (_, before, after) => {
    expect(withProposal(before, proposal)).toBe(after);
  });
});
