import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createStudy, eventually, peaks, python, type Study } from "./program";

interface Listed {
  runId: string;
  name: string;
  state: string;
  stateFolder: string;
  learners?: Record<string, number>;
  scheduler?: object | null;
}

async function list(study: Study, ...more: string[]): Promise<Listed[]> {
  const { exitCode, stdout } = await study.start(["list", "--json", ...more]).ended;
  expect(exitCode).toBe(0);
  return (JSON.parse(stdout) as { runs: Listed[] }).runs;
}

/** A second study in the folder of the first. */
async function addStudy(study: Study, name: string, learnersFile: string): Promise<string[]> {
  await writeFile(study.at(name), learnersFile);
  return ["--learners", study.at(name), "--cluster", "local", "--python", python];
}

const inSweep = (text: string) => text.replace("data/", "sweep/");
const small = { goal: { npoints: 5 } };

describe("several runs", () => {
  test("two studies in one folder run at once, each with a state of its own, and are listed", async () => {
    const study = await createStudy(peaks(2), small);
    const sweep = await addStudy(study, "sweep.py", inSweep(peaks(3)));
    const [first, second] = await Promise.all([study.run().ended, study.start(["run", ...sweep]).ended]);
    expect(first).toMatchObject({ exitCode: 0, stderr: "" });
    expect(second).toMatchObject({ exitCode: 0, stderr: "" });
    const runs = await list(study);
    expect(runs.map(({ name, state, stateFolder }) => ({ name, state, stateFolder })).sort(byName)).toEqual([
      { name: "peaks", state: "done", stateFolder: study.at(".adaptive") },
      { name: "peaks-sweep", state: "done", stateFolder: study.at(".adaptive-sweep") },
    ]);
    const [id = ""] = runs.filter(({ name }) => name === "peaks-sweep").map(({ runId }) => runId);
    for (const words of ["peaks-sweep", id.slice(0, 8), study.at(".adaptive-sweep")]) {
      const { stdout } = await study.start(["status", words, "--json"]).ended;
      expect(JSON.parse(stdout)).toMatchObject({ runId: id, learners: { done: 3 } });
    }
    const ambiguous = await study.start(["status"]).ended;
    expect(ambiguous.exitCode).toBe(2);
    expect(ambiguous.stderr).toContain(`${study.folder} holds 2 runs`);
    expect(ambiguous.stderr).toContain(`${id.slice(0, 8)}  peaks-sweep  ${study.at(".adaptive-sweep")}`);
  });

  test("whose data files overlap are refused, and the file is named", async () => {
    const study = await createStudy(peaks(2), small);
    const sweep = await addStudy(study, "sweep.py", peaks(1));
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    const { exitCode, stderr } = await study.start(["init", ...sweep]).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${study.at("data/offset=0.0.pickle")} is a data file of the run peaks`);
    expect(await list(study)).toHaveLength(1);
  });

  test("whose data files come to overlap by an edit keep what they have, and the file is named", async () => {
    const study = await createStudy(peaks(1, 0.001), small);
    const sweep = await addStudy(study, "sweep.py", inSweep(peaks(1, 0.001)));
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await study.start(["init", ...sweep]).ended).toMatchObject({ exitCode: 0 });
    await writeFile(study.at("sweep.py"), peaks(1, 0.001));
    const words = `${study.at("data/offset=0.0.pickle")} is a data file of the run peaks in the same folder`;
    const update = await study.start(["update", study.at(".adaptive-sweep"), "--accept"]).ended;
    expect(update.exitCode).toBe(2);
    expect(update.stderr).toContain(words);
    await study.start(["stop", study.at(".adaptive-sweep"), "--shut-down"]).ended;
    const run = await study.start(["run", ...sweep]).ended;
    expect(run.exitCode).toBe(0);
    expect(run.stdout).toContain(words);
    expect(await readdir(study.at("sweep"))).toEqual(["offset=0.0.pickle"]);
    await expect(readdir(study.at("data"))).rejects.toThrow();
  });

  test("of a name that no run may have are refused", async () => {
    const study = await createStudy(peaks(1));
    const { exitCode, stderr } = await study.start(["init", ...(await addStudy(study, "trash.py", peaks(1)))]).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("where deleted runs are");
  });

  test("whose folder is gone are shown as such, and forgotten when asked", async () => {
    const study = await createStudy(peaks(1), small);
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await list(study)).toMatchObject([{ state: "not started", learners: { waiting: 1 }, scheduler: null }]);
    const unasked = study.start(["results", "--pack"]);
    unasked.child.stdin?.end();
    expect(await unasked.ended).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("names no data file") as string,
    });
    await rename(study.at(".adaptive"), study.at("elsewhere"));
    for (const words of ["peaks", study.folder]) {
      const { exitCode, stderr } = await study.start(["status", words]).ended;
      expect({ exitCode, stderr }).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining(`The run peaks was in ${study.folder}, and is there no more.`) as string,
      });
    }
    expect(await list(study)).toMatchObject([{ name: "peaks", state: "gone" }]);
    const { stdout } = await study.start(["list"]).ended;
    expect(stdout).toMatch(/^NAME +ID +STATE .*\npeaks +[0-9a-f]{8} +gone /);
    expect(await list(study, "--prune")).toEqual([]);
    expect(await list(study)).toEqual([]);
    const home = join(dirname(study.folder), "home", ".adaptive-scheduler", "runs");
    await writeFile(join(home, "x.json"), "{");
    expect(await list(study)).toEqual([]);
    expect(await readFile(join(home, "x.json"), "utf8")).toBe("{");
  });

  test("a name that no run has is named, with what to do", async () => {
    const study = await createStudy(peaks(1));
    const { exitCode, stderr } = await study.start(["status", "peak"]).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`There is no run in ${study.at("peak")}, and none is called peak.`);
  });
});

describe("a run directory that was copied", () => {
  /** A study with two jobs that take their time, and a copy of its folder made while they run. */
  async function copyRunning(npoints: number): Promise<{ study: Study; copy: string }> {
    const study = await createStudy(peaks(3, 0.1), { goal: { npoints } });
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await study.start(["start"]).ended).toMatchObject({ exitCode: 0 });
    await eventually(async () => (await report(study, study.folder)).learners.running === 2);
    const copy = join(dirname(study.folder), "copy");
    await cp(study.folder, copy, { recursive: true });
    return { study, copy };
  }

  async function report(study: Study, folder: string) {
    const { stdout } = await study.start(["status", folder, "--json"]).ended;
    return JSON.parse(stdout) as {
      runId: string;
      name: string;
      learners: Record<string, number>;
      jobs: Record<string, number>;
      scheduler: { pid: number } | null;
      copyOf: string | null;
    };
  }

  test("is refused by whatever would serve it, with both places and what to do; the original is left alone", async () => {
    const { study, copy } = await copyRunning(500);
    const said = `The run in ${copy} is a copy of the one in ${study.folder}.`;
    const start = ["--learners", join(copy, "_learners.py"), "--python", python];
    for (const args of [
      ["serve", copy],
      ["serve", copy, "--detach"],
      ["attach", copy],
      ["start", copy],
      ["stop", copy],
      ["run", ...start],
      ["init", ...start],
    ]) {
      const { exitCode, stderr } = await study.start(args).ended;
      expect(exitCode).toBe(2);
      expect(stderr).toContain(said);
      expect(stderr).toContain("--fork");
    }
    expect(await report(study, copy)).toMatchObject({ scheduler: null, copyOf: study.folder });
    const adopted = await study.start(["serve", copy, "--detach", "--adopt"]).ended;
    expect(adopted.stderr).toContain(`is still in ${study.folder}`);
    expect((await report(study, study.folder)).jobs).toEqual({ running: 2 });
  });

  test("becomes a run of its own with --fork, and both run to their ends", async () => {
    const { study, copy } = await copyRunning(25);
    const forked = await study.start(["run", "--learners", join(copy, "_learners.py"), "--python", python, "--fork"])
      .ended;
    expect(forked).toMatchObject({ exitCode: 0, stderr: "" });
    const [ours, theirs] = [await report(study, copy), await report(study, study.folder)];
    expect(ours).toMatchObject({ name: "copy", learners: { done: 3 }, copyOf: null });
    expect(ours.runId).not.toBe(theirs.runId);
    await eventually(async () => (await report(study, study.folder)).learners.done === 3);
    const reasons = (await study.changes()).flatMap((change) => (change.kind === "jobEnded" ? [change.reason] : []));
    expect(reasons).toEqual(["ended", "ended"]);
    const runs = await list(study);
    expect(runs.sort(byName)).toMatchObject([
      { name: "copy", state: "done" },
      { name: "peaks", state: "done" },
    ]);
    const again = await study.start(["serve", copy, "--fork"]).ended;
    expect(again.stderr).toContain(`The run in ${copy} is no copy.`);
  });

  test("is gone on with by --adopt when it is a backup that was put back", async () => {
    const study = await createStudy(peaks(2), small);
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    const before = await report(study, study.folder);
    await cp(study.at(".adaptive"), study.at("backup"), { recursive: true });
    await rename(study.at(".adaptive"), study.at("broken"));
    await rename(study.at("backup"), study.at(".adaptive"));
    const refused = await study.run().ended;
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain(`The run in ${study.folder} was put back from a copy.`);
    expect(await study.run("--adopt").ended).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await report(study, study.folder)).toMatchObject({ runId: before.runId, learners: { done: 2 } });
    expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  });

  test("was only moved: it goes on, and is listed where it is now", async () => {
    const study = await createStudy(peaks(2), small);
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    const moved = join(dirname(study.folder), "moved");
    await rename(study.folder, moved);
    await mkdir(study.folder);
    expect(await list(study)).toMatchObject([{ name: "peaks", state: "gone" }]);
    const { exitCode } = await study.start(["run", "--learners", join(moved, "_learners.py"), "--python", python])
      .ended;
    expect(exitCode).toBe(0);
    expect(await list(study)).toMatchObject([{ name: "moved", state: "done", stateFolder: join(moved, ".adaptive") }]);
  });
});

describe("deleting a run", () => {
  test("shows what it would move, moves it when told to, and moving it back restores it", async () => {
    const study = await createStudy(peaks(2), { ...small, dataframe: "csv" });
    expect(await study.run().ended).toMatchObject({ exitCode: 0 });
    const asked = await study.start(["delete", "peaks"]).ended;
    expect(asked.exitCode).toBe(2);
    expect(asked.stdout).toMatch(
      /state {2}\d+ files, .*\.adaptive\n {2}data {3}4 files, .*; kept, --data moves them too/,
    );
    expect(asked.stderr).toContain("Nothing was moved.");
    const plan = await study.start(["delete", "peaks", "--dry-run", "--json"]).ended;
    expect(JSON.parse(plan.stdout)).toMatchObject({ name: "peaks", data: { files: 4 }, outside: [] });
    const deleted = await study.start(["delete", "peaks", "--data", "--yes", "--json"]).ended;
    const { trash } = JSON.parse(deleted.stdout) as { trash: string };
    expect(trash.startsWith(study.at(".adaptive-trash", "peaks-"))).toBe(true);
    expect((await readdir(trash)).sort()).toEqual([".adaptive", "data"]);
    expect((await readdir(join(trash, "data"))).length).toBe(4);
    expect(await readdir(study.at("data"))).toEqual([]);
    expect(await readFile(study.at(".adaptive-trash", ".gitignore"), "utf8")).toBe("*\n");
    expect(await list(study)).toEqual([]);
    expect((await study.start(["status"]).ended).stderr).toContain("There is no run in");

    await rename(join(trash, ".adaptive"), study.at(".adaptive"));
    await rm(study.at("data"), { recursive: true });
    await rename(join(trash, "data"), study.at("data"));
    const again = await study.run().ended;
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(again.stdout).toContain("resumed with 2 done");
    expect(await list(study)).toMatchObject([{ name: "peaks", state: "done" }]);
  });

  test("is refused while it has jobs, with or without a scheduler; a scheduler without any is ended", async () => {
    const study = await createStudy(peaks(2, 0.2), { goal: { npoints: 500 } });
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    await study.start(["start"]).ended;
    const live = async () => (await study.start(["status", "--json"]).ended).stdout.includes('"running":2');
    await eventually(live);
    const refused = () => study.start(["delete", study.folder, "--yes"]).ended;
    expect(await refused()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("peaks still has 2 jobs.") as string,
    });
    await study.start(["stop", "--shut-down"]).ended;
    expect(await refused()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("peaks still has 2 jobs.") as string,
    });
    await study.start(["serve", "--detach"]).ended;
    await study.start(["stop"]).ended;
    await eventually(async () => (await study.start(["status", "--json"]).ended).stdout.includes('"jobs":{}'));
    expect(await refused()).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await readdir(study.folder)).not.toContain(".adaptive");
  });

  test("a copy is deleted without a word to the original or its jobs", async () => {
    const study = await createStudy(peaks(2), small);
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    const copy = join(dirname(study.folder), "copy");
    await cp(study.folder, copy, { recursive: true });
    expect(await study.start(["delete", copy, "--yes"]).ended).toMatchObject({ exitCode: 0 });
    expect(await list(study)).toMatchObject([
      { name: "peaks", state: "not started", stateFolder: study.at(".adaptive") },
    ]);
  });
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}
