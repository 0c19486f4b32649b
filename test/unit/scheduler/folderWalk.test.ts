import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { planFolder } from "../../../src/remote/studySync/sentFiles";
import { createFolders } from "../../../src/scheduler/state/createState";
import { remarksOnNames, walkFolder } from "../../../src/scheduler/state/folderWalk";
import { checkFolderName, RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { copyCode, remarksOnCode, revisionOf } from "../../../src/scheduler/study/code";
import { putUnnamable, temporaryFolder } from "./runFixture";

async function put(folder: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), `# ${name}\n`);
  }
}

/** A study, and a folder beside it that its links lead to. */
async function studyBeside(): Promise<{ study: string; beside: string }> {
  const base = await temporaryFolder();
  await put(
    base,
    "study/_learners.py",
    "beside/helper_out.py",
    "beside/package/__init__.py",
    "beside/package/deep/a.py",
  );
  return { study: join(base, "study"), beside: join(base, "beside") };
}

const pythonIn = async (folder: string): Promise<string[]> => {
  const { files } = await walkFolder(folder, {
    enters: (name) => !name.startsWith("."),
    takes: (path) => path.endsWith(".py"),
  });
  return files.map(({ path }) => path);
};

describe("links in a study's folder", () => {
  test("to code are the code that they lead to, in the run and on the way to a cluster", async () => {
    const { study, beside } = await studyBeside();
    await symlink("../beside/helper_out.py", join(study, "helper.py"));
    await symlink("../beside/package", join(study, "package"));
    await symlink("../beside/gone.py", join(study, "gone.py"));
    const all = ["_learners.py", "helper.py", "package/__init__.py", "package/deep/a.py"];
    expect((await planFolder(study)).send.map(({ path }) => path)).toEqual(all);

    const directory = new RunDirectory(study);
    await createFolders(directory);
    const revision = await copyCode(study, [], directory);
    expect(await pythonIn(directory.code(revision))).toEqual(all);
    expect(await readFile(join(directory.code(revision), "helper.py"), "utf8")).toBe("# beside/helper_out.py\n");
    await writeFile(join(beside, "package/deep/a.py"), "edited = True\n");
    expect(await revisionOf(study, [])).not.toBe(revision);
  });

  test("may be all that there is of the learners file", async () => {
    const base = await temporaryFolder();
    await put(base, "real_l.py");
    const directory = new RunDirectory(join(base, "study"));
    await createFolders(directory);
    await symlink("../real_l.py", join(directory.path, "_learners.py"));
    const revision = await copyCode(directory.path, [], directory);
    expect(await pythonIn(directory.code(revision))).toEqual(["_learners.py"]);
  });

  test("are left alone where they lead around the study, in a circle, into a run, or to an installed package", async () => {
    const { study, beside } = await studyBeside();
    await put(beside, ".adaptive/code/abc/_learners.py", "site-packages/numpy/core.py");
    await put(study, "a/x.py", "b/y.py");
    await symlink("/", join(study, "everything"));
    await symlink("..", join(study, "up"));
    await symlink(".", join(study, "self"));
    await symlink("loop", join(study, "loop"));
    await symlink("../b", join(study, "a/to_b"));
    await symlink("../a", join(study, "b/to_a"));
    await symlink("../beside/.adaptive/code/abc", join(study, "revision"));
    await symlink("../beside/site-packages/numpy", join(study, "numpy"));
    expect(await pythonIn(study)).toEqual(["_learners.py", "a/to_b/y.py", "a/x.py", "b/to_a/x.py", "b/y.py"]);
  });

  test("to a folder of very many files are left alone, and so are data files behind any", async () => {
    const { study, beside } = await studyBeside();
    await put(beside, "package/table.csv");
    await symlink("../beside/package", join(study, "package"));
    await put(beside, "many/x.py");
    await Promise.all(Array.from({ length: 2000 }, (_, i) => writeFile(join(beside, "many", `${i}.txt`), "")));
    await symlink("../beside/many", join(study, "many"));
    const code = ["_learners.py", "package/__init__.py", "package/deep/a.py"];
    expect(await pythonIn(study)).toEqual(code);
    expect((await planFolder(study)).send.map(({ path }) => path)).toEqual(code);
    await writeFile(join(study, "adaptive.json"), '{"include": ["package/table.csv"]}');
    expect((await planFolder(study)).send.map(({ path }) => path)).toContain("package/table.csv");
  });
});

describe("names that are not UTF-8", () => {
  test("stop nothing: what has one is left out of the run's code, with a word, and of what is sent", async () => {
    const { study } = await studyBeside();
    await put(study, "tables/a.csv");
    await putUnnamable(study);
    await putUnnamable(join(study, "tables"));
    const directory = new RunDirectory(study);
    await createFolders(directory);
    const revision = await copyCode(study, ["tables"], directory);
    expect(revision).toBe(await revisionOf(study, ["tables"]));
    const sent = ["_learners.py", "tables/a.csv"];
    expect((await planFolder(study)).send.map(({ path }) => path)).toEqual(sent);
    expect(await remarksOnCode(study)).toEqual([
      `4 names are not UTF-8 and left out of the run's code: ${study}/caf\u{FFFD}, ${study}/caf\u{FFFD}.py, ` +
        `${study}/tables/caf\u{FFFD}, and 1 more. Rename them if jobs need them.`,
    ]);
    expect(remarksOnNames(study, ["caf\u{FFFD}.py"], "what is sent")).toEqual([
      `${study}/caf\u{FFFD}.py is left out of what is sent: its name is not UTF-8. Rename it if jobs need it.`,
    ]);
    expect(remarksOnNames(study, [], "what is sent")).toEqual([]);
  });
});

test.each([
  ["/home/ada/2026-11-30T14:22/.adaptive", "has a colon in its path, which PYTHONPATH cannot hold."],
  ["/home/ada/caf\u{FFFD}/.adaptive", "has a name that is not UTF-8, with \u{FFFD} for what is not."],
])("a run in %s is refused", (path, why) => {
  expect(() => checkFolderName(path)).toThrow(`${path} ${why}`);
  expect(() => checkFolderName("/home/ada/café/.adaptive")).not.toThrow();
});
