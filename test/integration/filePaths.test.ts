import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createStudy, loadPoints, type Study } from "./program";

/** A study whose data files are named as its author likes. */
const named = (fname: string) => `
from functools import partial
from pathlib import Path
import os
import adaptive

HERE = Path(__file__).resolve().parent

def f(x, a):
    return x * a

combos = adaptive.utils.named_product(a=[1.0, 2.0])
learners = [adaptive.Learner1D(partial(f, **c), bounds=(0, 1)) for c in combos]
fnames = [${fname} for c in combos]
`;

const goal = { goal: { npoints: 10 } };
const dataFiles = ["a_1.0.pickle", "a_2.0.pickle"];

async function dataIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes(".pickle"));
}

/** Adds a comment to the learners file. */
async function comment(study: Study): Promise<void> {
  await writeFile(study.learnersFile, `${await readFile(study.learnersFile, "utf8")}# a comment\n`);
}

test("data that a study names by its own __file__ lies beside it; a comment in the file changes nothing", async () => {
  const study = await createStudy(named('str(HERE / "data" / f"a_{c[\'a\']}.pickle")'), goal);
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  for (let edits = 0; edits < 3; edits++) {
    await comment(study);
    const { exitCode, stdout } = await study.run("--json").ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain("The study was edited: the same learners, with other code.");
    expect(stdout).toContain('"done":2');
  }
  expect((await study.rows("learners")).map(({ fname, state, epoch }) => [fname, state, epoch])).toEqual([
    ["data/a_1.0.pickle", "done", 1],
    ["data/a_2.0.pickle", "done", 1],
  ]);
  expect(await readdir(study.at("data"))).toEqual(dataFiles);
  expect(await dataIn(study.at(".adaptive"))).toEqual([]);
});

test("a run of an older version, whose data is among its code, goes on with it beside the study", async () => {
  const study = await createStudy(named("f\"data/a_{c['a']}.pickle\""), goal);
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  // As that version left it.
  const [revision = ""] = (await readdir(study.at(".adaptive", "code"))).filter((name) => name !== "current");
  const old = study.at(".adaptive", "code", revision, "data");
  await rename(study.at("data"), old);
  expect(await study.start(["stop", study.folder, "--shut-down"]).ended).toBeDefined();
  await renameLearners(study, (fname) => join(study.at(".adaptive", "code", revision), fname));
  await writeFile(study.learnersFile, named('str(HERE / "data" / f"a_{c[\'a\']}.pickle")'));

  const { exitCode, stdout } = await study.run("--json").ended;
  expect(exitCode).toBe(0);
  expect(stdout).toContain("The study was edited: the same learners, with other code.");
  const rows = await study.rows("learners");
  expect(rows.map(({ fname, epoch }) => [fname, epoch])).toEqual([
    ["data/a_1.0.pickle", 1],
    ["data/a_2.0.pickle", 1],
  ]);
  expect(rows[0]?.remark).toContain(`was moved from .adaptive/code/${revision}/data/a_1.0.pickle`);
  expect(await loadPoints(study)).toEqual([10, 10]);
  expect(await dataIn(study.at(".adaptive"))).toEqual([]);
});

test("names by another name of the same folder, and paths, are names; a data folder may be a link", async () => {
  const study = await createStudy(named('Path("~/peaks/data").expanduser() / f"a_{c[\'a\']}.pickle"'), goal);
  const base = join(study.folder, "..");
  await mkdir(join(base, "real"));
  await rename(study.folder, join(base, "real", "peaks"));
  await symlink(join(base, "real"), join(base, "link"));
  await symlink(join(base, "link", "peaks"), study.folder);
  await mkdir(join(base, "scratch"));
  await symlink(join(base, "scratch"), study.at("data"));
  const profile = JSON.stringify({ prelude: [`export HOME=${join(base, "link")}`] });
  const { exitCode, stderr } = await study.run("--profile", profile).ended;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect((await readdir(join(base, "scratch"))).sort()).toEqual(dataFiles);
  expect((await study.rows("learners")).map(({ fname }) => fname)).toEqual(dataFiles.map((name) => `data/${name}`));
});

test.each([
  ["the state folder", '".adaptive/database.sqlite" if c["a"] == 1 else "b"', ".adaptive"],
  ["its source", '"_learners.py" if c["a"] == 1 else "b"', "source code"],
  [
    "its settings, by a data frame",
    '"adaptive" if c["a"] == 1 else "b"',
    "adaptive.json, which is a file of the study",
  ],
  ["a byte that is no text", '"data/\\udcff.pickle" if c["a"] == 1 else "b"', "is no text"],
])("a data file that would be %s is refused when the study is read", async (_, fname, words) => {
  const study = await createStudy(named(fname), {
    ...goal,
    ...(fname.includes('"adaptive"') && { dataframe: "json" }),
  });
  const before = await readFile(study.learnersFile, "utf8");
  const { exitCode, stderr } = await study.run().ended;
  expect(exitCode).toBe(2);
  expect(stderr).toContain("fnames[0] = ");
  expect(stderr).toContain(words);
  expect(await readFile(study.learnersFile, "utf8")).toBe(before);
  expect(existsSync(study.at(".adaptive"))).toBe(false);
});

/** Gives the learners of a run that nobody serves other file names, as an older version would have known them. */
async function renameLearners(study: Study, rename: (fname: string) => string): Promise<void> {
  const { Database } = await import("../../src/scheduler/state/database");
  const { wasm } = await import("../unit/scheduler/runFixture");
  const file = study.at(".adaptive", "database.sqlite");
  const database = await Database.open(await readFile(file), wasm);
  database.apply(
    database.rows("learners").map(({ id, fname }) => ({ table: "learners", key: id, set: { fname: rename(fname) } })),
  );
  await writeFile(file, database.export());
  database.close();
}
