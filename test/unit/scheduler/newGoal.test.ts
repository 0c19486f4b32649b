/** A goal whose moment has passed is refused where it is set, and only there. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseTypedOptions } from "../../../src/scheduler/commandLine/typedOptions";
import { configurationOf } from "../../../src/scheduler/study/settings";
import { temporaryFolder } from "./runFixture";

const past = "2020-01-01T00:00:00Z";
const start = (folder: string, goal?: string) => ({
  ...{ learnersFile: join(folder, "_learners.py"), cluster: null, profile: null },
  typed: parseTypedOptions({ goal }),
});

test("a goal in the past is refused with its place; a run whose goal has passed meanwhile is resumed", async () => {
  const folder = await temporaryFolder();
  await expect(configurationOf(start(folder, `until ${past}`), null)).rejects.toThrow(
    /^typed: goal\.endTime: expected a moment to come/,
  );
  await writeFile(join(folder, "adaptive.json"), `{\n"goal": { "npoints": 9,\n"endTime": "${past}" } }`);
  await expect(configurationOf(start(folder), null)).rejects.toThrow(
    /adaptive\.json:3: goal\.endTime: expected a moment to come/,
  );
  const other = await configurationOf(start(folder, "9 points"), null);
  const lapsed = {
    ...other,
    settings: JSON.stringify({ ...JSON.parse(other.settings), goal: { npoints: 9, endTime: past } }),
  };
  const resumed = await configurationOf({ ...start(folder), typed: { set: {}, unset: ["goal"] } }, lapsed);
  expect(JSON.parse(resumed.settings)).toMatchObject({ goal: { endTime: past } });
});
