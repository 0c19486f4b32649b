import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../../scripts/steps.mjs";

const { configurationDefaults } = (
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    contributes: { configurationDefaults: Record<string, Record<string, boolean>> };
  }
).contributes;

/** As the editor reads a glob, as far as ours go. */
function matches(glob: string, path: string): boolean {
  const parts = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", ".": "\\.", "{": "(?:", "}": ")", ",": "|" };
  const pattern = glob.replace(/\*\*\/|\*\*|[*.{},]/g, (part) => parts[part as keyof typeof parts]);
  return new RegExp(`^${pattern}$`).test(path);
}

const isLeftOut = (setting: string, path: string): boolean =>
  Object.keys(configurationDefaults[setting] ?? {}).some((glob) => matches(glob, path));

test.each([
  // How runs of the workspace are found, and what of a study was edited.
  [".adaptive/run.json", false],
  ["studies/peaks/.adaptive-fine/run.json", false],
  [".adaptive", false],
  ["_learners.py", false],
  ["adaptive.json", false],
  ["data/offset=0.pickle", false],
  // What changes all the time while a run goes on.
  [".adaptive/journal-1-6.jsonl", true],
  ["peaks/.adaptive/epochs", true],
  [".adaptive/epochs.123.4.tmp", true],
  [".adaptive/database.sqlite", true],
  [".adaptive-fine/jobs/1_1.out", true],
  [".adaptive/lock/2/owner.json", true],
  [".adaptive/code/0a1b/lib/helpers.py", true],
])("of %s the editor's watcher is spared: %j", (path, isSo) => {
  expect(isLeftOut("files.watcherExclude", path)).toBe(isSo);
});

test.each([
  // By a search the editor finds out that it has to activate the extension.
  [".adaptive/run.json", false],
  ["peaks/.adaptive/run.json", false],
  [".adaptive", false],
  ["_learners.py", false],
  // The copies of a study that its jobs run.
  [".adaptive/code/0a1b/lib/helpers.py", true],
  ["peaks/.adaptive-fine/code/0a1b/_learners.py", true],
])("of %s the editor's search is spared: %j", (path, isSo) => {
  expect(isLeftOut("search.exclude", path)).toBe(isSo);
});
