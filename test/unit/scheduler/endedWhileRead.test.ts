import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { inspectLearners } from "../../../src/scheduler/study/inspect";
import { temporaryFolder } from "./runFixture";

const root = resolve(import.meta.dirname, "../../..");

test.each([
  ["import os; os._exit(0)", "exit code 0"],
  ["import os; os.kill(os.getpid(), 11)", "signal SIGSEGV"],
])("a learners file that ends Python is named: %s", async (text, how) => {
  const study = await temporaryFolder();
  const code = join(study, "code");
  await mkdir(code);
  await writeFile(join(code, "_learners.py"), text);
  const python = join(root, ".venv/bin/python");
  const settings = {
    python,
    prelude: [] as string[],
    dataframe: null,
    executor: "auto",
    launcher: "auto",
    script: null,
  } as const;
  const read = inspectLearners(join(code, "_learners.py"), [code, join(root, "python")], study, settings);
  await expect(read).rejects.toMatchObject({
    code: "learners-file-ended",
    message: `The learners file ${study}/_learners.py ended Python (${how}) while it was read.`,
  });
});
