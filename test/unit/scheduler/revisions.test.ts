import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFolders } from "../../../src/scheduler/state/createState";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { copyCode, deleteRevisions } from "../../../src/scheduler/study/code";
import { temporaryFolder } from "./runFixture";

async function put(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

async function studyWithRevision(): Promise<{ directory: RunDirectory; folder: string }> {
  const directory = new RunDirectory(await temporaryFolder());
  await createFolders(directory);
  await put(directory.path, { "_learners.py": "", "parts/helper.py": "x = 1", "tables/field.csv": "1,2" });
  const revision = await copyCode(directory.path, ["tables"], directory);
  return { directory, folder: directory.code(revision) };
}

describe("a revision that nobody runs", () => {
  test("is deleted with what Python keeps beside it", async () => {
    const { directory, folder } = await studyWithRevision();
    await put(folder, { "__pycache__/_learners.cpython-311.pyc": "", "parts/__pycache__/helper.pyc": "" });
    await deleteRevisions(directory, new Set());
    expect(await readdir(directory.at("code"))).toEqual([]);
  });

  test.each([
    ["data", "data/a_1.0.pickle"],
    ["data beside the code", "a_1.0.pickle"],
    ["a file of Python that it did not have", "parts/made.py"],
    ["one whose content is another", "tables/field.csv"],
  ])("stays with %s, which somebody else put there", async (_, name) => {
    const { directory, folder } = await studyWithRevision();
    await put(folder, { [name]: "of a learner" });
    await deleteRevisions(directory, new Set());
    expect(await readFile(join(folder, name), "utf8")).toBe("of a learner");
    await deleteRevisions(directory, new Set());
    expect(await readFile(join(folder, name), "utf8")).toBe("of a learner");
  });

  test("stays when it is kept", async () => {
    const { directory, folder } = await studyWithRevision();
    const [kept = ""] = await readdir(directory.at("code"));
    await deleteRevisions(directory, new Set([kept]));
    expect(await readdir(folder)).toContain("_learners.py");
  });
});
