import { execFileSync } from "node:child_process";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findMissing, planStudy, type StudyEntry } from "../../../../src/remote/studySync/plan";
import { placeAside, planDownload } from "../../../../src/remote/studySync/planDownload";
import { readStudyFolder } from "../../../../src/remote/studySync/studyFolder";
import { temporaryFolder } from "../../scheduler/runFixture";

const entry = (path: string, more: Partial<StudyEntry> = {}): StudyEntry => ({
  path,
  size: 10,
  isIgnored: false,
  ...more,
});

describe("what of a study is sent", () => {
  test.each<[string, StudyEntry, readonly string[], string | null]>([
    ["code", entry("_learners.py"), [], null],
    ["other files, at any depth", entry("tables/params.csv"), [], null],
    ["what git ignores", entry("secret.py", { isIgnored: true }), [], "ignored by git"],
    ["data by its name", entry("data/offset=0.1.pickle"), [], "data"],
    ["data in capitals", entry("field.H5"), [], "data"],
    ["10 MB", entry("big.csv", { size: 10 << 20 }), [], null],
    ["more than 10 MB", entry("big.csv", { size: (10 << 20) + 1 }), [], "large"],
    ["an included file", entry("big.csv", { size: 1e9 }), ["big.csv"], null],
    ["a file of an included folder", entry("tables/field.h5", { isIgnored: true }), ["./tables/"], null],
    ["a file beside an included one", entry("tables2/field.h5"), ["tables"], "data"],
    ["a data frame", entry("data/a.pickle.csv"), [], "data"],
    ["a data frame in JSON", entry("data/a.pickle.json"), [], "data"],
    ["what a download kept aside", entry("data/a.pickle.before-fcbc800d"), [], "kept aside"],
    ["what a download kept aside, in an included folder", entry("a.csv.before-fcbc800d"), ["."], "kept aside"],
    ["what was edited on a cluster", entry("mod.py.edited-fcbc800d"), [], "kept aside"],
    ["data that could not be read", entry("data/a.pickle.unreadable-12"), ["data"], "kept aside"],
    ["what was being downloaded", entry("data/a.12.part"), [], "kept aside"],
    ["what was being saved", entry("data/a.3.w1.tmp"), [], "kept aside"],
    ["what was kept aside and is wanted", entry("mod.py.edited-fcbc800d"), ["mod.py.edited-fcbc800d"], null],
    ["downloaded data, however it is named", entry("out/run1"), ["out", "out/run1"], "data"],
  ])("%s", (_, file, include, why) => {
    const plan = planStudy([file], include, new Set(["out/run1"]));
    expect(plan).toEqual(why === null ? { send: [file], leftOut: [] } : { send: [], leftOut: [{ ...file, why }] });
  });
});

describe("what an import misses on the cluster", () => {
  const plan = planStudy(
    [
      entry("secret.py", { isIgnored: true }),
      entry("mine/__init__.py", { isIgnored: true }),
      entry("fast.cpython-311-x86_64-linux-gnu.so", { isIgnored: true }),
      entry("tables/field.h5"),
      entry("sent.py"),
    ],
    [],
  );

  test.each([
    ["_learners.py:3: ModuleNotFoundError: No module named 'secret'", "secret.py"],
    ["No module named 'mine.inner'", "mine"],
    ["No module named 'fast'", "fast.cpython-311-x86_64-linux-gnu.so"],
    ["FileNotFoundError: [Errno 2] No such file or directory: 'tables/field.h5'", "tables/field.h5"],
    ["No such file or directory: '/home/ada/runs/peaks/.adaptive/code/abc/tables/field.h5'", "tables/field.h5"],
    ["No module named 'scipy'", null],
    ["No module named 'sent'", null],
    ["ZeroDivisionError: division by zero", null],
  ])("%s", (message, name) => {
    expect(findMissing(message, plan)?.path ?? null).toBe(name);
  });
});

test("a study's folder: what git ignores is marked, and what is nobody's study is left out", async () => {
  const folder = await temporaryFolder();
  const files = ["_learners.py", "params.csv", "out/a.txt", "sub/kept.py", "sub/skipped.log", "a b/ü.py"];
  const foreign = [".adaptive/run.json", ".adaptive-trash/x", "venv/pyvenv.cfg", "venv/lib/x.py", "__pycache__/x.pyc"];
  for (const path of [...files, ...foreign]) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), "123");
  }
  await writeFile(join(folder, ".gitignore"), "out/\n*.log\n");
  await symlink("/", join(folder, "link"));
  const paths = async (): Promise<[string, boolean][]> =>
    (await readStudyFolder(folder)).entries.map(({ path, isIgnored }) => [path, isIgnored]);
  const all = [".gitignore", ...files].sort();
  expect(await paths()).toEqual(all.map((path) => [path, false]));
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  const ignored = ["out/a.txt", "sub/skipped.log"];
  expect(await paths()).toEqual(all.map((path) => [path, ignored.includes(path)]));
});

describe("what is downloaded", () => {
  const there = { path: "data/a.pickle", size: 10, modifiedMs: 1000 };
  const last = { size: 10, modifiedMs: 1000, sha256: "aaaaaaaa11" };

  test.each<[string, Record<string, typeof last>, string[], boolean]>([
    ["a new file", {}, [], true],
    ["one of which nothing is known here", {}, ["data/a.pickle"], true],
    ["one that was fetched", { "data/a.pickle": last }, ["data/a.pickle"], false],
    ["one that was fetched and is gone here", { "data/a.pickle": last }, [], true],
    ["one that grew", { "data/a.pickle": { ...last, size: 9 } }, ["data/a.pickle"], true],
    ["one that was written anew", { "data/a.pickle": { ...last, modifiedMs: 999 } }, ["data/a.pickle"], true],
  ])("%s", (_, ledger, here, isFetched) => {
    const found = new Map(here.map((path) => [path, "file" as const]));
    const plan = planDownload([there], { ledger, here: found, own: new Set(), agreed: new Set(), foldsNames: true });
    expect(plan).toEqual({
      fetch: isFetched ? [there] : [],
      unchanged: isFetched ? 0 : 1,
      refused: [],
      toAgree: isFetched ? [{ place: "data/*.pickle", files: 1, bytes: 10 }] : [],
    });
  });

  test("one whose name differs from another's in capitals or accents alone, where that is the same name", () => {
    const files = ["data/a.pickle", "data/A.pickle", "data/\u00e9.pickle", "data/e\u0301.pickle"].map((path) => ({
      ...there,
      path,
    }));
    const circumstances = { ledger: {}, here: new Map(), own: new Set<string>(), agreed: new Set<string>() };
    const { fetch, refused } = planDownload(files, { ...circumstances, foldsNames: true });
    expect(fetch.map(({ path }) => path)).toEqual(["data/A.pickle", "data/e\u0301.pickle"]);
    expect(refused[0]).toEqual({ path: "data/a.pickle", why: "would take the place of data/A.pickle here" });
    expect(refused).toHaveLength(2);
    expect(planDownload(files, { ...circumstances, foldsNames: false }).fetch).toHaveLength(4);
  });

  test.each([
    ["what was fetched last is replaced", "aaaaaaaa11", "bbbbbbbb22", null],
    ["the same is replaced", "bbbbbbbb22", "bbbbbbbb22", null],
    ["anything else is kept beside it", "cccccccc33", "bbbbbbbb22", "data/a.pickle.before-cccccccc"],
  ])("%s", (_, own, fetched, aside) => {
    expect(placeAside("data/a.pickle", own, fetched, last.sha256)).toBe(aside);
  });
});
