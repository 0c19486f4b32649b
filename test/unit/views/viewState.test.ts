import { describe, expect, test } from "vitest";
import { freeFolder } from "../../../src/views/exampleStudyModel";
import { viewStateOf } from "../../../src/views/viewState";

const nothing = {
  platform: "linux",
  hasLooked: true,
  hasStudy: false,
  hasSession: false,
  isCopied: false,
  hasOverview: false,
} as const;

test.each([
  ["noStudy", {}],
  ["study", { hasStudy: true }],
  ["looking", { hasLooked: false }],
  // Its run may be found yet.
  ["looking", { hasLooked: false, hasStudy: true }],
  ["connecting", { hasStudy: true, hasSession: true }],
  ["connecting", { hasLooked: false, hasSession: true }],
  ["run", { hasStudy: true, hasSession: true, hasOverview: true }],
  ["copied", { hasStudy: true, hasSession: true, hasOverview: true, isCopied: true }],
  ["windows", { platform: "win32", hasStudy: true }],
] as const)("an empty view is in the state %s of %j", (state, facts) => {
  expect(viewStateOf({ ...nothing, ...facts })).toBe(state);
});

describe("the folder of an example", () => {
  const files = ["_learners.py", "adaptive.json"];
  test.each([
    [[], ""],
    [["data", "example-study"], ""],
    [["adaptive.json"], "example-study"],
    [["_LEARNERS.py"], "example-study"],
    [["_learners.py", "Example-Study", "example-study-2"], "example-study-3"],
  ])("beside %j is %j", (taken, folder) => {
    expect(freeFolder(taken, files)).toBe(folder);
  });
});
