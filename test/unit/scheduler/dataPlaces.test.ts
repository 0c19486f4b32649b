import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { effects, type NewChange, type NewLearner } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asLearnerId, type LearnerRow } from "../../../src/scheduler/state/rows";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { settleData } from "../../../src/scheduler/study/dataPlaces";
import { numbered } from "../remote/runHistory";
import { assigned, firstChanges, temporaryFolder } from "./runFixture";

const learner = (id: number, fname: string, type = "Learner1D"): NewLearner => ({
  id: asLearnerId(id),
  position: id,
  fname,
  combo: "{}",
  type,
  bounds: null,
  resourceClass: "default",
});

interface Old {
  /** By learner, as an older version knew them; `RUN` stands for the run directory. */
  fnames: readonly string[];
  type?: string;
  files: readonly string[];
  more?: readonly NewChange[];
}

/** Serves a run of an older version, and gives what became of it. */
async function served({ fnames, type, files, more = [] }: Old) {
  const directory = new RunDirectory(await temporaryFolder());
  const model = new Model();
  const apply = (changes: readonly NewChange[]) => {
    for (const change of numbered(changes)) model.apply(effects(change));
  };
  const learners = fnames.map((fname, id) => learner(id, fname.replaceAll("RUN", directory.path), type));
  apply([...firstChanges(0, undefined, { directory: directory.path, inode: 1 }), { kind: "learnersAdded", learners }]);
  apply(more);
  for (const file of files) {
    await mkdir(dirname(join(directory.path, file)), { recursive: true });
    await writeFile(join(directory.path, file), file);
  }
  const changes = await settleData(directory, model);
  apply(changes);
  const rows: LearnerRow[] = [...model.learners.values()];
  const content = (file: string) => readFile(join(directory.path, file), "utf8").catch(() => null);
  return { directory, model, changes, fnames: rows.map(({ fname }) => fname), rows, content };
}

const points = (id: number, npoints: number): NewChange => ({
  kind: "progressNoted",
  learners: [asLearnerId(id)],
  npoints: [npoints],
  loss: [null],
});
const unlisted: NewChange = { kind: "learnersUnlisted", learners: [asLearnerId(0)] };

test("names of now are left alone", async () => {
  const { changes } = await served({ fnames: ["data/0", "elsewhere/1"], files: ["data/0"] });
  expect(changes).toEqual([]);
});

test("absolute names become those in the run directory; the data stays where it is", async () => {
  const { fnames, content } = await served({ fnames: ["RUN/data/0", "/other/1"], files: ["data/0"] });
  expect(fnames).toEqual(["data/0", "/other/1"]);
  expect(await content("data/0")).toBe("data/0");
});

test("so do the names of a folder by another name", async () => {
  const { directory, model } = await served({ fnames: ["RUN/data/0"], files: [] });
  const other = join(dirname(directory.path), `${basename(directory.path)}-link`);
  await symlink(directory.path, other);
  const named = [{ id: asLearnerId(0), fname: join(directory.path, "data/0") }];
  for (const change of numbered([{ kind: "learnersRenamed", learners: named }])) model.apply(effects(change));
  expect(await settleData(new RunDirectory(other), model)).toMatchObject([
    { kind: "learnersRenamed", learners: [{ fname: "data/0" }] },
  ]);
});

test("data among the code is moved to its place in the study, with its data frame, and it is said", async () => {
  const { fnames, rows, content } = await served({
    fnames: ["RUN/.adaptive/code/aa/data/0.pickle"],
    files: [".adaptive/code/aa/data/0.pickle", ".adaptive/code/aa/data/0.pickle.csv"],
  });
  expect(fnames).toEqual(["data/0.pickle"]);
  expect(await content("data/0.pickle")).toBe(".adaptive/code/aa/data/0.pickle");
  expect(await content("data/0.pickle.csv")).toBe(".adaptive/code/aa/data/0.pickle.csv");
  expect(rows[0]?.remark).toBe("its data was among the run's code, and was moved from .adaptive/code/aa/data/0.pickle");
});

test("of several revisions' data the one with most points is gone on with; the others stay", async () => {
  const old: Old = {
    fnames: ["RUN/.adaptive/code/aa/0", "RUN/.adaptive/code/bb/0"],
    files: [".adaptive/code/aa/0", ".adaptive/code/bb/0"],
    more: [points(0, 400), points(1, 3), unlisted],
  };
  const { fnames, content, directory } = await served(old);
  expect(fnames).toEqual([join(directory.path, ".adaptive/code/aa/0"), "0"]);
  expect(await content("0")).toBe(".adaptive/code/aa/0");
  expect(await content(".adaptive/code/bb/0")).toBe(".adaptive/code/bb/0");
});

test("nothing is moved over data that is there", async () => {
  const { fnames, content } = await served({
    fnames: ["RUN/.adaptive/code/aa/data/0"],
    files: [".adaptive/code/aa/data/0", "data/0"],
  });
  expect(fnames).toEqual(["data/0"]);
  expect(await content("data/0")).toBe("data/0");
  expect(await content(".adaptive/code/aa/data/0")).toBe(".adaptive/code/aa/data/0");
});

test("a job that runs keeps its file", async () => {
  const { changes, content } = await served({
    fnames: ["RUN/.adaptive/code/aa/data/0"],
    files: [".adaptive/code/aa/data/0"],
    more: [assigned("1_1", 0)],
  });
  expect(changes).toEqual([]);
  expect(await content(".adaptive/code/aa/data/0")).toBe(".adaptive/code/aa/data/0");
});

test("a BalancingLearner's files are moved together", async () => {
  const { fnames, content } = await served({
    fnames: ['["RUN/.adaptive-more/code/aa/0","RUN/.adaptive-more/code/aa/1"]'],
    type: "BalancingLearner(Learner1D)",
    files: [".adaptive-more/code/aa/0", ".adaptive-more/code/aa/1"],
  });
  expect(fnames).toEqual(['["0","1"]']);
  expect(await content("1")).toBe(".adaptive-more/code/aa/1");
});
