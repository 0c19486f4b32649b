import { describe, expect, test } from "vitest";
import { mergeSettings, parseSettings, profileSchema, studySchema } from "../../../src/scheduler/state/settings";

describe("settings", () => {
  test("what was typed wins over the study, that over the profile, that over the default", () => {
    const { settings, origins } = mergeSettings(
      {
        typed: { budget: 2 },
        study: { goal: { npoints: 9 }, resources: { cores: 3 } },
        profile: { budget: 8, resources: { cores: 5 }, maxJobs: 7 },
      },
      16,
    );
    expect(settings).toMatchObject({
      budget: 2,
      goal: { npoints: 9 },
      resources: { cores: 3 },
      maxJobs: 7,
      retries: 0,
    });
    expect(origins).toMatchObject({
      budget: "typed",
      goal: "study",
      "resources.cores": "study",
      maxJobs: "profile",
      retries: "default",
    });
  });

  test.each([
    [studySchema, { goal: {} }, "the setting goal: expected npoints, loss, seconds or endTime"],
    [studySchema, { goal: { npoints: "many" } }, "the setting goal.npoints"],
    [studySchema, { gaol: { npoints: 1 } }, "the setting gaol"],
    [profileSchema, { resources: { cores: 0 } }, "the setting resources.cores"],
    [profileSchema, { launcher: "rocket" }, "the setting launcher"],
    [profileSchema, "fast", "adaptive.json"],
  ])("%#: a wrong one is named, with its place", (schema, value, words) => {
    expect(() => parseSettings(schema, value, "adaptive.json")).toThrow(words);
    expect(() => parseSettings(schema, value, "adaptive.json")).toThrow("adaptive.json");
  });
});
