import { describe, expect, it, test } from "vitest";
import {
  formatAgo,
  formatDuration,
  formatElapsed,
  formatLoss,
  formatNumber,
  fileNames,
  learnerLabel,
  parametersOf,
} from "../../../src/views/format";
import { formatCount, plural } from "../../../src/scheduler/state/counts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe("what a learner is called", () => {
  test.each([
    ['{"offset":0.51,"alpha":2}', "offset=0.51, alpha=2"],
    ['{"offset":0.30000000000000004}', "offset=0.3"],
    ['{"tol":1e-9}', "tol=1e-9"],
    ['{"name":"dip","deep":true,"seed":null}', "name=dip, deep=true, seed=–"],
    ['{"range":[0,1]}', "range=[0,1]"],
    ["{}", "data/a.pickle"],
    ["[1,2]", "data/a.pickle"],
    ["not JSON", "data/a.pickle"],
    ['{"point":{"$repr":"Point(1, 2)"},"ünï":"it\\"s"}', 'point=Point(1, 2), ünï=it"s'],
    [
      JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, i]))),
      "p0=0, p1=1, p2=2, p3=3, p4=4, p5=5, …",
    ],
  ])("%s is %s", (combo, label) => {
    expect(learnerLabel({ combo, fname: "data/a.pickle" })).toBe(label);
  });

  test.each([
    ['["data/a.pickle","data/b.pickle","data/c.pickle"]', "data/a.pickle and 2 more"],
    ['["data/a.pickle"]', "data/a.pickle"],
    ["[odd] name.pickle", "[odd] name.pickle"],
  ])("the files %s are %s", (fname, names) => {
    expect(fileNames(fname)).toBe(names);
    expect(learnerLabel({ combo: "{}", fname })).toBe(names);
  });

  it("stays on a line, however long the values", () => {
    const combo = JSON.stringify({ a: "x".repeat(90), b: "y".repeat(90) });
    expect(learnerLabel({ combo, fname: "" })).toHaveLength(100);
  });

  it("clips what is too long for a line", () => {
    const [[, value] = []] = parametersOf(JSON.stringify({ text: "x".repeat(1000) }));
    expect(value).toHaveLength(100);
  });
});

describe("numbers", () => {
  test.each([
    [0.013, "1.3e-2"],
    [0.45, "0.45"],
    [0.1, "0.10"],
    [5, "5.0"],
    [12.3, "12"],
    [99.9, "100"],
    [456.7, "457"],
    [12_345, "1.2e+4"],
    [0, "0"],
    [null, "–"],
  ])("a loss of %s is %s", (loss, text) => {
    expect(formatLoss(loss)).toBe(text);
  });

  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1\u202f000"],
    [1_234_567, "1\u202f234\u202f567"],
  ])("a count of %s is %s", (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it("keeps six digits", () => {
    expect([1 / 3, 2, -0.5, 1e-7].map(formatNumber)).toEqual(["0.333333", "2", "-0.5", "1e-7"]);
  });

  it("says one of one and many of many", () => {
    expect([plural(1, "learner"), plural(40_000, "learner")]).toEqual(["1 learner", "40\u202f000 learners"]);
  });
});

describe("times", () => {
  test.each([
    [42_900, "0:42"],
    [4 * minuteMs, "4:00"],
    [hourMs + 2 * minuteMs + 3000, "1:02:03"],
    [-5, "0:00"],
  ])("%s ms have elapsed: %s", (elapsedMs, text) => {
    expect(formatElapsed(elapsedMs)).toBe(text);
  });

  test.each([
    [200, "1 s"],
    [40_000, "40 s"],
    [25 * minuteMs, "25 min"],
    [80 * minuteMs, "80 min"],
    [3 * hourMs, "3 h"],
    [72 * hourMs, "3 days"],
  ])("%s ms are about %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it("calls the future of another machine's clock now", () => {
    expect([formatAgo(10_000, 5_000), formatAgo(10_000, 52_000)]).toEqual(["now", "42 s ago"]);
  });
});
