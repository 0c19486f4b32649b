import { describe, expect, test } from "vitest";
import type { ConfigReport } from "../../../src/scheduler/control/configReport";
import { type Layers, valuesOf } from "../../../src/scheduler/state/layers";
import { settingNames, type SettingName } from "../../../src/scheduler/state/settings";
import { placeIn } from "../../../src/views/messagePlace";
import {
  type Edits,
  formRows,
  goalAfter,
  hasOwnGoal,
  hintOf,
  readRow,
  recall,
  remember,
  textOf,
  typedIn,
  withEdit,
} from "../../../src/views/startFormModel";

const noEdits: Edits = new Map();

function reportOf(layers: Partial<Layers>, run: string | null = null): ConfigReport {
  const all = { typed: {}, study: {}, profile: {}, ...layers };
  return {
    run,
    studyFile: "/s/adaptive.json",
    problem: null,
    settings: settingNames.map((name) => ({
      name,
      now: null,
      next: valuesOf(all, name, { cores: 4, queue: "local" }).map((value) => ({ ...value, where: value.origin })),
    })),
  };
}

const facts = { place: "this computer", hasStudyFile: true, ownGoal: null };
const rowsOf = (report: ConfigReport, edits: Edits) =>
  formRows(report, edits, facts).map(({ label, description }) => (description ? `${label}: ${description}` : label));

const edited = (report: ConfigReport, ...edits: [SettingName, { value: unknown } | "reset"][]) =>
  edits.reduce<Edits>((sum, [name, edit]) => withEdit(report, sum, name, edit), noEdits);

describe("a goal of the learners file", () => {
  test.each([
    ["def goal(learner):\n    return learner.npoints >= 5\n", true],
    ["import x\r\ngoal = x.at(5)\r\n", true],
    ["goal: Goal = x.at(5)\n", true],
    ["from goals import (best, goal)\n", true],
    ["# def goal(learner)\ngoals = []\nmy_goal = 1\n", false],
    ["class Best:\n    def goal(self): ...\n", false],
    ["from goals import goals\n", false],
  ])("is seen in %j", (source, isThere) => {
    expect(hasOwnGoal(source)).toBe(isThere);
  });

  test.each([
    [{}, "as goal() in _learners.py says"],
    [{ study: { goal: { npoints: 1 } } }, "1 point · adaptive.json, or as goal() in _learners.py says"],
  ])("is said in the form: %j", (layers, words) => {
    const rows = formRows(reportOf(layers), noEdits, { ...facts, ownGoal: "_learners.py" });
    expect(rows.find(({ label }) => label === "Goal")?.description).toBe(words);
  });
});

describe("the goal after a start", () => {
  const report = reportOf({ typed: { goal: { loss: 0.1 } }, study: { goal: { npoints: 100 } } }, "/s");
  const heldSo = (value: unknown): ConfigReport => ({
    ...report,
    settings: report.settings.map((entry) =>
      entry.name === "goal" ? { ...entry, now: { value, origin: "typed" as const } } : entry,
    ),
  });
  test.each([
    ["goes on", heldSo({ loss: 0.1 }), { set: {}, unset: [] }, { loss: 0.1 }, false],
    ["was edited", heldSo({ loss: 0.2 }), { set: {}, unset: [] }, { loss: 0.1 }, true],
    ["is typed", heldSo({ loss: 0.1 }), { set: { goal: { seconds: 9 } }, unset: [] }, { seconds: 9 }, true],
    ["is taken away", heldSo({ loss: 0.1 }), { set: { goal: null }, unset: [] }, null, true],
    ["is reset", heldSo({ loss: 0.1 }), { set: {}, unset: ["goal" as const] }, { npoints: 100 }, true],
    ["is that of a run that is made now", report, { set: {}, unset: [] }, { loss: 0.1 }, false],
  ])("%s", (_, held, typed, goal, isNew) => {
    expect(goalAfter(held, typed)).toEqual({ goal, isNew });
  });
});

describe("the rows of the form", () => {
  test("say each value and where it comes from; the first starts", () => {
    const report = reportOf({ study: { goal: { npoints: 100 } }, profile: { maxJobs: 7 } });
    expect(rowsOf(report, noEdits)).toEqual([
      "Start Jobs",
      "Try One Point First: recommended: shows what points give and cost",
      "Where: this computer",
      "Cores per job: 1 · default",
      "Walltime: none · default",
      "Goal: 100 points · adaptive.json",
      "Jobs at once: 7 · adaptive.clusters",
      "Executor: auto · default",
      "Preview Job Script",
      "Open adaptive.json",
    ]);
    expect(formRows(report, noEdits, { ...facts, hasStudyFile: false }).at(-1)?.label).toBe("Create adaptive.json");
  });

  test("of a run that exists have no other place for it, and still offer to try a point", () => {
    expect(rowsOf(reportOf({}, "/s"), noEdits).slice(0, 3)).toEqual([
      "Start Jobs",
      "Try One Point First",
      "Cores per job: 1 · default",
    ]);
  });

  test("offer to reset what was typed, also of settings that the form does not have otherwise", () => {
    const report = reportOf({ typed: { budget: 2 }, study: { goal: { npoints: 100 } } }, "/s");
    const rows = rowsOf(report, edited(report, ["goal", { value: { loss: 0.01 } }]));
    expect(rows.filter((row) => /Goal|together/.test(row))).toEqual([
      "Goal: loss 0.01 · typed",
      "Reset Goal: 100 points · adaptive.json",
      "Cores together: 2 · typed",
      "Reset Cores together: 4 · default",
    ]);
    expect(rowsOf(report, edited(report, ["budget", "reset"])).join()).not.toContain("together");
  });

  test("say what is in the way of a start", () => {
    const report = reportOf({ study: { resources: { cores: 9 } } });
    expect(rowsOf(report, noEdits)[0]).toMatch(/^Start Jobs: Cores per job: expected at most 4, .*but got 9$/);
  });
});

describe("what is typed into a row", () => {
  const report = reportOf({});
  test.each([
    ["resources.cores", "2", { value: 2 }],
    ["resources.cores", "9", { problem: expect.stringContaining("at most 4") as string }],
    ["resources.cores", "two", { problem: expect.stringContaining("a whole number above 0") as string }],
    ["resources.walltime", "4:00:00", { value: "4:00:00" }],
    ["goal", "loss 0.1 or 1 h", { value: { loss: 0.1, seconds: 3600 } }],
    ["maxJobs", "0", { problem: expect.stringContaining("a whole number above 0") as string }],
  ] as const)("%s: %j is read as it is typed", (name, text, typed) => {
    expect(readRow(report, noEdits, name, text)).toEqual(typed);
  });

  test.each(["resources.cores", "resources.walltime", "goal", "maxJobs"] as const)(
    "%s: the value that holds can be typed as it stands, and there is a hint",
    (name) => {
      expect(readRow(report, noEdits, name, textOf(report, noEdits, name))).toHaveProperty("value");
      expect(hintOf(name)).not.toBe("");
    },
  );
});

describe("what the scheduler is told", () => {
  const run = reportOf({ typed: { maxJobs: 3, goal: { loss: 1 } }, study: { retries: 1 } }, "/s");
  test.each([
    ["nothing of what holds anyway", run, edited(run, ["maxJobs", { value: 3 }], ["retries", { value: 1 }]), {}, []],
    ["what is new", run, edited(run, ["maxJobs", { value: 4 }]), { maxJobs: 4 }, []],
    ["the last of several", run, edited(run, ["maxJobs", { value: 4 }], ["maxJobs", { value: 3 }]), {}, []],
    ["what was typed once and is reset", run, edited(run, ["goal", "reset"]), {}, ["goal"]],
    [
      "nothing of what was typed just now and is reset",
      run,
      edited(run, ["retries", { value: 9 }], ["retries", "reset"]),
      {},
      [],
    ],
    ["none as a value", run, edited(run, ["goal", { value: null }]), { goal: null }, []],
  ])("%s", (_, __, edits, set, unset) => {
    expect(typedIn(edits)).toEqual({ set, unset });
  });

  describe("when the form was closed", () => {
    const edits = edited(run, ["resources.walltime", { value: "30" }], ["goal", "reset"]);
    const all = { set: { maxJobs: 3, resources: { walltime: "30" } }, unset: [] };

    test("before a start, is still in it", () => {
      expect(recall(run, remember(run, edits, false))).toEqual(edits);
    });
    test("by a start, is what the run remembers by itself", () => {
      expect(recall(run, remember(run, edits, true))).toEqual(noEdits);
    });
    test.each([false, true])("holds again for a run made anew", (isStarted) => {
      expect(typedIn(recall(reportOf({}), remember(run, edits, isStarted)))).toEqual(all);
    });
    test.each([undefined, 7, { values: [] }])("is nothing when %j was kept", (memory) => {
      expect(recall(run, memory)).toEqual(noEdits);
    });
    test("is forgotten where it makes no sense any more", () => {
      const { values, resets } = remember(run, edits, false);
      const memory = { values: { ...values, retries: "many", gone: 1 }, resets: [...resets, "gone"], isStarted: false };
      expect(recall(run, memory)).toEqual(edits);
    });
  });
});

test.each([
  ["/s/adaptive.json:4: goal: wrong.", { file: "/s/adaptive.json", line: 4 }],
  ["/a b/x.py:12: ValueError: y: 3: z", { file: "/a b/x.py", line: 12 }],
  ["typed: goal: wrong.", null],
  ["There is no Python at /opt:3: really", null],
])("the place in %j is %j", (message, place) => {
  expect(placeIn(message)).toEqual(place);
});
