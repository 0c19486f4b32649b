import { expect, test } from "vitest";
import type { TriedLearner } from "../../../src/scheduler/control/protocol";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import type { Trial } from "../../../src/scheduler/state/trial";
import { stepLabel, trialOutcome, TrialOutcomes } from "../../../src/views/trialOutcome";
import { defaultSettings } from "../scheduler/runFixture";
import { goodTrial as good, learnerRow } from "./rows";

const study = { name: "peaks", learnersFile: "/home/ann/peaks/_learners.py" };
const settings = JSON.stringify(defaultSettings);
const paused = { activity: "paused", settings } as const;
const proposal = { cores: 4, walltime: "1:00:00", reasons: [] };
const traceback = `  File "/home/ann/peaks/.adaptive/code/ec73b2d9c03afd75/_learners.py", line 20, in f\nLinAlgError: Singular matrix`;
const bad: Trial = { ...good, value: null, error: "LinAlgError: Singular matrix in f at x = -1.0", traceback };
const tried = (trial: Trial): TriedLearner[] => {
  const { fname, combo } = learnerRow(1);
  return [{ id: asLearnerId(1), fname, combo, trial }];
};

test.each([
  ["a point that was evaluated", trialOutcome(study, tried(good), proposal, paused), ["Start Jobs", "Use Proposal"]],
  ["jobs that run", trialOutcome(study, tried(good), proposal, { ...paused, activity: "active" }), ["Use Proposal"]],
  ["a point that failed", trialOutcome(study, tried(bad), null, paused), ["Show Traceback", "Go to Line 20"]],
  [
    "one that failed without a traceback",
    trialOutcome(study, tried({ ...bad, traceback: null }), null, paused),
    ["Show Output"],
  ],
])("what may be done after %s", (_, outcome, labels) => {
  expect(outcome.steps.map(stepLabel)).toEqual(labels);
});

test("what trying points gave outlives the window, until it is dismissed, and is nothing where no one can read it", async () => {
  // As the editor does between two windows.
  const stored = new Map<string, string>();
  const memory = {
    get: (key: string): unknown => JSON.parse(stored.get(key) ?? "null"),
    update: (key: string, value: unknown) => {
      if (value === undefined) stored.delete(key);
      else stored.set(key, JSON.stringify(value));
      return Promise.resolve();
    },
  } as ConstructorParameters<typeof TrialOutcomes>[0];
  for (const outcome of [
    trialOutcome(study, tried(good), proposal, paused),
    trialOutcome(study, tried(bad), null, paused),
  ]) {
    await new TrialOutcomes(memory).keep("/home/ann/peaks", outcome);
    expect(new TrialOutcomes(memory).of("/home/ann/peaks")).toMatchObject({
      words: outcome.words,
      at: 5000,
      steps: outcome.steps.map(({ kind }) => ({ kind })),
    });
    expect(new TrialOutcomes(memory).of("/home/ann/other")).toBeNull();
  }
  await new TrialOutcomes(memory).keep("/home/ann/peaks", null);
  expect([stored.size, new TrialOutcomes(memory).of("/home/ann/peaks")]).toEqual([0, null]);
  await memory.update("adaptive.tried//home/ann/peaks", { words: 7, steps: [{ kind: "format the disk" }] });
  expect(new TrialOutcomes(memory).of("/home/ann/peaks")).toBeNull();
});
