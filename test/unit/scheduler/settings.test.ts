import type * as v from "valibot";
import { describe, expect, test } from "vitest";
import { parseTypedOptions } from "../../../src/scheduler/commandLine/typedOptions";
import {
  conflictIn,
  lapsedIn,
  mergeSettings,
  overlay,
  rememberedLayer,
  valuesOf,
  withValue,
} from "../../../src/scheduler/state/layers";
import { nearest } from "../../../src/scheduler/state/nearest";
import { parseSettings } from "../../../src/scheduler/state/parseSettings";
import {
  profileSchema,
  settingNames,
  settingsOf,
  studySchema,
  walltimeSeconds,
  type Layer,
} from "../../../src/scheduler/state/settings";
import { parseTyped, valueWords } from "../../../src/scheduler/state/settingWords";
import { parseStudyFile } from "../../../src/scheduler/study/studyFile";

const nothing = { typed: {}, study: {}, profile: {} };

const large = { name: "large", where: "n>=1000", resources: { cores: 16 } };

describe("layers", () => {
  const layers = {
    typed: { budget: 2 },
    study: { goal: { npoints: 9 }, resources: { cores: 3 } },
    profile: { budget: 8, resources: { cores: 5, walltime: "4:00:00" }, maxJobs: 7 },
  };

  test("what was typed wins over the study, that over the profile, that over the default", () => {
    const { settings, origins } = mergeSettings(layers, { cores: 16, queue: "local" });
    expect(settings).toMatchObject({
      budget: 2,
      goal: { npoints: 9 },
      resources: { cores: 3, walltime: "4:00:00" },
      maxJobs: 7,
      retries: 0,
    });
    expect(origins).toMatchObject({
      budget: "typed",
      goal: "study",
      "resources.cores": "study",
      "resources.walltime": "profile",
      maxJobs: "profile",
      retries: "default",
    });
    expect(Object.keys(origins).sort()).toEqual([...settingNames].sort());
  });

  test("each layer keeps what it says, the strongest first", () => {
    expect(valuesOf(layers, "budget", { cores: 16, queue: "local" })).toEqual([
      { origin: "typed", value: 2 },
      { origin: "profile", value: 8 },
      { origin: "default", value: 16 },
    ]);
  });

  test("none is a value: it wins over what is behind it", () => {
    const { settings, origins } = mergeSettings(
      { ...layers, typed: { goal: null, resources: { walltime: null } } },
      { cores: 2, queue: "local" },
    );
    expect(settings).toMatchObject({ goal: null, resources: { cores: 3, walltime: null } });
    expect(origins).toMatchObject({ goal: "typed", "resources.cores": "study", "resources.walltime": "typed" });
  });

  test("a run remembers what was typed and the profile, and forgets what is unset", () => {
    const { settings, origins } = mergeSettings(
      { ...layers, typed: { budget: 2, resources: { cores: 1 } } },
      { cores: 16, queue: "local" },
    );
    const row = { settings: JSON.stringify(settings), origins: JSON.stringify(origins) };
    expect(settingsOf(row)).toEqual(settings);
    const typed = rememberedLayer(row, "typed");
    expect(typed).toEqual({ budget: 2, resources: { cores: 1 } });
    expect(rememberedLayer(row, "profile")).toEqual({ maxJobs: 7, resources: { walltime: "4:00:00" } });
    expect(withValue(typed, "budget", undefined)).toEqual({ resources: { cores: 1 } });
    expect(overlay(typed, { goal: { loss: 1 }, resources: { walltime: null } })).toEqual({
      budget: 2,
      goal: { loss: 1 },
      resources: { cores: 1, walltime: null },
    });
  });

  test("of a run that was made before there were classes: none", () => {
    const { classes: _, ...settings } = mergeSettings(nothing, { cores: 2, queue: "local" }).settings;
    expect(settingsOf({ settings: JSON.stringify(settings) }).classes).toEqual([]);
  });

  test("depend on the queue in how often it is asked, whoever names the queue", () => {
    const pollSeconds = (profile: Layer, queue: "local" | "slurm") =>
      mergeSettings({ ...nothing, profile }, { cores: 2, queue }).settings.pollSeconds;
    expect(pollSeconds({}, "local")).toBe(1);
    expect(pollSeconds({}, "slurm")).toBe(60);
    expect(pollSeconds({ queue: "slurm" }, "local")).toBe(60);
    expect(pollSeconds({ pollSeconds: 90 }, "slurm")).toBe(90);
  });

  test.each([
    [{}, null],
    [{ resources: { cores: 2 } }, null],
    [{ resources: { cores: 3 } }, /^expected at most 2, .*\(budget\), but got 3$/],
    [{ queue: "slurm", resources: { cores: 3 } }, null],
    [{ launcher: "srun" }, /^expected auto, mpiexec or none/],
    [{ queue: "slurm", launcher: "srun" }, null],
    [{ queue: "slurm", pollSeconds: 4 }, /^expected at least 5 on a cluster \(queue\).*, but got 4$/],
    [{ queue: "slurm", pollSeconds: 5 }, null],
    [{ pollSeconds: 0.5 }, null],
    [{ executor: "mpi4py" }, null],
    [{ classes: [{ ...large, resources: { cores: 2 } }] }, null],
    [{ classes: [large] }, /^expected at most 2, .*\(budget\), but got 16$/],
    [{ queue: "slurm", classes: [large] }, null],
    [{ executor: "mpi4py", launcher: "none" }, /launcher/],
  ] as [Layer, RegExp | null][])("of %j the conflict is %s", (study, message) => {
    const conflict = conflictIn(mergeSettings({ ...nothing, study }, { cores: 2, queue: "local" }).settings);
    expect(conflict?.message ?? null).toEqual(message && expect.stringMatching(message));
  });
});

describe("a setting that is wrong", () => {
  test.each([
    ["study", { goal: {} }, "goal: expected npoints, loss, seconds or endTime, but got {}."],
    ["study", { goal: 100 }, "goal: expected an object with npoints, loss, seconds or endTime, but got 100."],
    ["study", { goal: { npoints: "many" } }, 'goal.npoints: expected a whole number above 0, but got "many".'],
    ["study", { goal: { npoints: 1.5 } }, "goal.npoints: expected a whole number above 0, but got 1.5."],
    ["study", { goal: { endTime: "tomorrow" } }, "goal.endTime: expected a time with its zone"],
    ["study", { gaol: 1 }, "gaol: there is no such setting; did you mean goal?"],
    ["study", { goal: { points: 9 } }, "goal.points: there is no such setting; did you mean goal.npoints?"],
    ["study", { cores: 2 }, "cores: there is no such setting; did you mean resources.cores?"],
    ["study", { colour: "red" }, "colour: there is no such setting."],
    ["study", { maxJobs: 9 }, "maxJobs: this setting belongs in the user setting adaptive.clusters."],
    ["profile", { goal: { npoints: 9 } }, "goal: this setting belongs in adaptive.json beside the learners file."],
    ["study", { executor: "mpi" }, 'expected "auto", "mpi4py", "process-pool" or "loky", but got "mpi".'],
    ["study", { resources: { walltime: "a day" } }, "resources.walltime: expected a time such as 4:00:00 or"],
    ["study", { resources: { walltime: 1 } }, "resources.walltime: expected a time in quotes, such as"],
    ["study", { resources: { walltime: "0" } }, "resources.walltime: expected more than no time"],
    ["profile", { resources: { cores: 0 } }, "resources.cores: expected a whole number above 0, but got 0."],
    ["profile", { prelude: "module load mpi" }, "prelude: expected a list of shell lines"],
    ["study", { classes: { large: "n>9" } }, 'classes: expected a list of classes, but got {"large":"n>9"}.'],
    ["study", { classes: [{ ...large, where: undefined }] }, "classes.0.where: expected a text, but got nothing."],
    ["study", { classes: [{ name: "large", resources: {} }] }, "classes.0.where: this is missing."],
    ["study", { classes: [{ ...large, cores: 2 }] }, "classes.0.cores: there is no such setting"],
    [
      "study",
      { classes: [{ ...large, resources: { cores: 0 } }] },
      "classes.0.resources.cores: expected a whole number",
    ],
    ["study", { classes: [{ ...large, name: "very large" }] }, "classes.0.name: expected a name of letters, digits"],
    ["study", { classes: [{ ...large, name: "try" }] }, "classes.0.name: expected another name than default and try"],
    ["study", { classes: [large, { ...large, where: "n<9" }] }, "classes.1: expected a name that no class before has"],
    [
      "study",
      { classes: [large, { ...large, name: "b", where: "n>" }] },
      'classes.1.where: expected a filter of parameters such as n>=1000 (character 3: a value is missing behind ">"), but got "n>".',
    ],
    ["study", { classes: [{ ...large, where: " " }] }, "(character 1: it names no parameter)"],
    [
      "study",
      { classes: [{ ...large, where: "n>9 state=done" }] },
      'character 5: state is no parameter; one that is called so goes into quotes, "state"',
    ],
    ["profile", { classes: [large] }, "classes: this setting belongs in adaptive.json beside the learners file."],
    ["profile", "fast", 'expected an object, but got "fast".'],
    ["profile", [], "expected an object, but got []."],
    ["profile", null, "expected an object, but got null."],
  ] as const)("of a %s: %j is named, with what was expected and found", (kind, value, words) => {
    const schema: v.GenericSchema = kind === "study" ? studySchema : profileSchema;
    expect(() => parseSettings(schema, value, { name: "x" })).toThrow(words);
    expect(() => parseSettings(schema, value, { name: "x" })).toThrow(/^x: /);
  });

  test.each([
    ['{\n  // ours\n  "goal": {\n    "npoints": "many"\n  }\n}', "/s/adaptive.json:4: goal.npoints: expected a whole"],
    ['{\n  "retries": 0,\n\n  "gaol": 3 }', "/s/adaptive.json:4: gaol: there is no such setting"],
    ['{\n  "goal":\n    7\n}', "/s/adaptive.json:2: goal: expected an object"],
    ['{\n  "goal": null\n  "retries": 2\n}', "/s/adaptive.json:3: this is not JSON (comma expected)."],
    ['{\n  "retries": 1,\n  "retries": 2\n}', "/s/adaptive.json:3: retries: line 2 says it already."],
    ["", "/s/adaptive.json:1: this is not JSON"],
    ["\n[]", "/s/adaptive.json:2: expected an object, but got []."],
  ])("%#: in a file is named with its line", (text, words) => {
    expect(() => parseStudyFile("/s/adaptive.json", text)).toThrow(words);
  });

  test("comments and trailing commas do no harm", () => {
    const { layer, lineOf } = parseStudyFile(
      "/s/adaptive.json",
      '{\n // why\n "$schema": "x",\n "goal": {"npoints": 5,},\n}',
    );
    expect(layer).toEqual({ goal: { npoints: 5 } });
    expect(lineOf(["goal"])).toBe(4);
    expect(lineOf(["retries"])).toBeNull();
  });
});

describe("what was typed", () => {
  test.each([
    ["goal", "100 points", { npoints: 100 }],
    ["goal", "100", { npoints: 100 }],
    ["goal", "npoints=100", { npoints: 100 }],
    ["goal", "loss=1e-3", { loss: 0.001 }],
    ["goal", "loss < 0.01 or 1.5 h", { loss: 0.01, seconds: 5400 }],
    ["goal", "npoints=9, seconds=600", { npoints: 9, seconds: 600 }],
    ["goal", "10 minutes", { seconds: 600 }],
    ["goal", "until 2027-01-31T18:00Z", { endTime: "2027-01-31T18:00:00Z" }],
    ["goal", '{"loss": 1}', { loss: 1 }],
    ["goal", "none", null],
    ["goal", "null", null],
    ["goal.seconds", "60", 60],
    ["resources.cores", " 4 ", 4],
    ["resources.walltime", "30", "30"],
    ["resources.walltime", "2-12:00:00", "2-12:00:00"],
    ["resources.walltime", "none", null],
    ["executor", "loky", "loky"],
    ["launcher", "none", "none"],
    ["prelude", '["module load mpi"]', ["module load mpi"]],
    ["python", "/opt/python", "/opt/python"],
    ["classes", JSON.stringify([large]), [large]],
  ] as const)("%s: %j is %j", (name, text, value) => {
    expect(parseTyped(name, text)).toEqual({ value });
  });

  test.each([
    ["goal", "soon", 'expected 100 points, loss 0.01, 10 min, until 2027-01-31T18:00Z or none, but got "soon"'],
    ["goal", "0 points", "expected a whole number above 0, but got 0"],
    ["goal", "", 'or none, but got ""'],
    ["goal", '{"npoint": 1}', "there is no such setting"],
    ["resources.cores", "few", 'expected a whole number above 0, but got "few"'],
    ["resources.cores", "0", "expected a whole number above 0, but got 0"],
    ["resources.cores", "none", "expected a whole number above 0"],
    ["resources.walltime", "0", 'expected more than no time, but got "0"'],
    ["executor", "mpi", 'expected "auto"'],
  ] as const)("%s: %j is refused: %s", (name, text, words) => {
    expect(parseTyped(name, text)).toEqual({ problem: expect.stringContaining(words) as string });
  });

  test.each([
    [{ npoints: 1 }, "1 point"],
    [{ npoints: 100, loss: 0.01 }, "100 points or loss 0.01"],
    [{ seconds: 5400 }, "90 min"],
    [{ seconds: 0.5, endTime: "2027-01-31T18:00:00+01:00" }, "0.5 s or until 2027-01-31T18:00:00+01:00"],
    [null, "none"],
  ])("the goal %j reads %j, and is read as that", (goal, words) => {
    expect(valueWords("goal", goal)).toBe(words);
    expect(parseTyped("goal", words)).toEqual({ value: goal });
  });

  test("classes read as what they ask for", () => {
    const classes = [
      { ...large, resources: { cores: 16, walltime: null } },
      { ...large, name: "b", resources: {} },
    ];
    expect(valueWords("classes", classes)).toBe(
      "large where n>=1000: cores 16, walltime none; b where n>=1000: nothing else",
    );
    expect(valueWords("classes", [])).toBe("none");
  });

  test("is what the options say together", () => {
    const options = { "max-jobs": "7", goal: "loss=0.1", set: ["retries=2", "resources.cores=3", "goal.npoints=9"] };
    expect(parseTypedOptions({ ...options, unset: ["python"] })).toEqual({
      set: { maxJobs: 7, goal: { loss: 0.1, npoints: 9 }, retries: 2, resources: { cores: 3 } },
      unset: ["python"],
    });
  });

  test.each([
    [{ "max-jobs": "many" }, '--max-jobs: expected a whole number above 0, but got "many".'],
    [{ set: ["goal.npoints=many"] }, '--set: goal.npoints: expected a whole number above 0, but got "many".'],
    [{ set: ["nope=1"] }, "--set: nope: there is no such setting."],
    [{ set: ["retry=1"] }, "--set: retry: there is no such setting; did you mean retries?"],
    [{ set: ["retries"] }, '--set: expected NAME=VALUE, but got "retries".'],
    [{ unset: ["gaol"] }, "--unset: gaol: there is no such setting; did you mean goal?"],
  ])("%j is refused: %s", (options, words) => {
    expect(() => parseTypedOptions(options)).toThrow(words);
  });
});

test.each([
  ["gaol", "goal"],
  ["Retries", "retries"],
  ["maxjob", "maxJobs"],
  ["wall-time", "resources.walltime"],
  ["saveEvery", "saveEverySeconds"],
  ["xgoal", "goal"],
  ["kernels", null],
  ["x", null],
  ["nope", null],
])("the name nearest to %s is %s", (given, name) => {
  expect(nearest(given, settingNames)).toBe(name);
});

test.each([
  ["4 GB", "4G"],
  ["4gb", "4G"],
  ["500 MiB", "500M"],
  ["1.5G", "1536M"],
  ["much", "4G or 500M"],
  ["0G", "4G or 500M"],
])("a memory of %s is refused with how it is written: %s", (memory, written) => {
  const problem = `expected an amount of memory such as ${written}, but got "${memory}"`;
  expect(parseTyped("resources.memory", memory)).toEqual({ problem });
});

test.each([
  ["2020-01-01T00:00:00Z", "a moment to come (it is 2026-11-30T12:00:00Z)"],
  ["2026-11-30T12:00:00Z", "a moment to come"],
  ["2026-11-30 14:59:59+03", "a moment to come"],
  ["2027-02-29T00:00:00Z", "a day of the calendar"],
  ["2027-04-31 00:00:00+0100", "a day of the calendar"],
  ["2026-11-30T15:00:01+03:00", null],
  ["2026-11-30t12:00:00.5z", null],
  ["2028-02-29T00:00:00Z", null],
])("a goal that ends at %s, seen at noon of 2026-11-30, is refused for %s", (endTime, why) => {
  const message = why && expect.stringContaining(`expected ${why}`);
  expect(lapsedIn({ npoints: 9, endTime }, Date.UTC(2026, 10, 30, 12))?.message ?? null).toEqual(message);
});

test.each([
  ["30", 1800],
  ["30:15", 1815],
  ["4:00:00", 14_400],
  ["2-12", 216_000],
  ["1-0:30", 88_200],
])("a walltime of %s is %d seconds", (text, seconds) => {
  expect(walltimeSeconds(text)).toBe(seconds);
});
