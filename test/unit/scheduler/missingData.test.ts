import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { missingData, missingWords } from "../../../src/scheduler/study/missingData";
import { learnerRow } from "../views/rows";
import { temporaryFolder } from "./runFixture";

async function folderWith(...names: string[]): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), "points");
  }
  return folder;
}
const done = (fname: string, type = "Learner1D") => learnerRow(0, { state: "done", fname, type });

test.each([1, 7, 8, 100])(
  "of %i done learners those whose data is gone are named, in one folder or in many",
  async (count) => {
    for (const nameOf of [(i: number) => `data/${i}`, (i: number) => `${i}/data`]) {
      const names = Array.from({ length: count }, (_, i) => nameOf(i));
      const folder = await folderWith(...names);
      const learners = names.map((name) => done(name));
      expect(await missingData(folder, learners)).toEqual([]);
      const gone = names.filter((_, i) => i % 3 === 0);
      for (const name of gone) await rm(join(folder, name));
      expect(await missingData(folder, learners)).toEqual(gone);
      for (const name of names) await rm(join(folder, dirname(name)), { recursive: true, force: true });
      expect(await missingData(folder, learners)).toHaveLength(count);
    }
  },
);

test("one file of a BalancingLearner, absolute names, and a file where the folder was", async () => {
  const folder = await folderWith("data/a", "elsewhere/b", "flat");
  const rows = [
    done(JSON.stringify(["data/a", "data/c"]), "BalancingLearner(Learner1D)"),
    done(join(folder, "elsewhere/b")),
    done("flat/d"),
  ];
  expect(await missingData(folder, rows)).toEqual(["data/c", "flat/d"]);
});

test("nothing is said of learners that are not done, nor of what cannot be looked at", async () => {
  const folder = await folderWith("data/a");
  await symlink("loop", join(folder, "loop"));
  const others = ["waiting", "running", "failed", "stopped", "removed"] as const;
  const rows = others.map((state) => learnerRow(0, { state, fname: "data/none" }));
  expect(await missingData(folder, [...rows, done("loop/x")])).toEqual([]);
  const many = Array.from({ length: 20 }, (_, i) => done(`loop/${i}`));
  expect(await missingData(folder, many)).toEqual([]);
});

test("the words name a few, and the command that computes them again as it is to be typed", () => {
  expect(missingWords([], 8, "/run")).toBeNull();
  expect(missingWords(["data/a b"], 8, "/my run")).toBe(
    "Data of done learners is gone: data/a b, of 8 learners done. Put it back; or have it computed again: adaptive-scheduler reopen '/my run' 'data/a b'",
  );
  expect(missingWords(["a", "b", "c", "d", "e"], 100_000, "/run")).toBe(
    "Data of done learners is gone: a, b, c and 2 more, of 100\u202f000 learners done. Put it back; or have it computed again: adaptive-scheduler reopen /run (learners whose data is there are done again at once)",
  );
});
