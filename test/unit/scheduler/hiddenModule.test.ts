import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { explainDeaths } from "../../../src/scheduler/jobs/deaths";
import { hiddenModule } from "../../../src/scheduler/jobs/hiddenModule";
import { temporaryFolder } from "./runFixture";

const inLibrary = `  File "/usr/lib/python3.11/tempfile.py", line 45, in <module>\n    from random import Random\n`;

test.each([
  ["ImportError: cannot import name 'Random' from 'random' (/s/random.py)", "random"],
  ["ImportError: cannot import name 'Random' from partially initialized module 'random' (most likely …)", "random"],
  ["AttributeError: module 'random' has no attribute 'Random' (consider renaming '/s/random.py' …)", "random"],
  ["ModuleNotFoundError: No module named 'json.decoder'; 'json' is not a package", "json"],
  [
    "/bin/python: Error while finding module specification for 'json.x' (ModuleNotFoundError: __path__ attribute not found on 'json' while trying to find 'json.x')",
    "json",
  ],
  ["ImportError: cannot import name 'Random' from 'numbers' (/usr/lib/python3.11/numbers.py)", null],
  ["ValueError: no module", null],
])("of %s the study's %s is named", async (error, module) => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "random.py"), "");
  await mkdir(join(folder, "json"));
  await writeFile(join(folder, "json", "__init__.py"), "");
  const file = module === "json" ? "json/__init__.py" : "random.py";
  const found = module && { module, file: join(folder, file) };
  expect(hiddenModule(`${inLibrary}${error}\n`, folder)).toEqual(found);
});

test("what a study's code misses in its own files hides nothing; a file called adaptive.py does, and jobs say so", async () => {
  const folder = await temporaryFolder();
  for (const name of ["helpers", "adaptive"]) await writeFile(join(folder, `${name}.py`), "");
  const own = (name: string) => `  File "${folder}/_learners.py", line 1, in <module>
AttributeError: module '${name}' has no attribute 'Learner1D'\n`;
  expect(hiddenModule(own("helpers"), folder)).toBeNull();
  const hidden = hiddenModule(own("adaptive"), folder);
  const { message, hint } = explainDeaths(5, { exitCode: 1, ending: null, reason: null }, own("adaptive"), hidden);
  expect(message).toContain(`${folder}/adaptive.py hides the module adaptive`);
  expect(hint).toBe("Rename that file, and what imports it; then start the jobs again.");
});
