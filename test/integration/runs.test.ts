import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { createStudy, peaks, python, type Study } from "./program";

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

  test("of a name that no run may have are refused", async () => {
    const study = await createStudy(peaks(1));
    const { exitCode, stderr } = await study.start(["init", ...(await addStudy(study, "trash.py", peaks(1)))]).ended;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("where deleted runs are");
  });

  test("whose folder is gone are shown as such, and forgotten when asked", async () => {
    const study = await createStudy(peaks(1), small);
    await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
    expect(await list(study)).toMatchObject([{ state: "idle", learners: { waiting: 1 }, scheduler: null }]);
    await rename(study.at(".adaptive"), study.at("elsewhere"));
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

function byName(a: { name: string }, b: { name: string }): number {
  return a.name.localeCompare(b.name);
}
