import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createStudy, eventually, init, output, type Study } from "./program";

/** Learners that write down in which class of jobs they are evaluated, and on how many cores. */
const learnersFile = (parameter = "n") => `
import os, time
from functools import partial
import adaptive

def peak(x, ${parameter}):
    with open("evaluations", "a") as file:
        file.write(f"{${parameter}} {os.environ['ADAPTIVE_CLASS']} {os.environ['ADAPTIVE_CORES']}\\n")
    time.sleep(0.02)
    return x + 0.01**2 / (0.01**2 + (x - ${parameter} / 10) ** 2)

combos = [{"${parameter}": i} for i in range(4)]
learners = [adaptive.Learner1D(partial(peak, **combo), bounds=(-1, 1)) for combo in combos]
fnames = [f"data/{i}.pickle" for i in range(4)]
`;
const wide = { name: "wide", where: "n>=2", resources: { cores: 2 } };
const goal = { npoints: 12 };

const classesOf = async (study: Study) => (await study.rows("learners")).map(({ resourceClass }) => resourceClass);

test("learners of a class have jobs of their own, with what it asks for", async () => {
  const study = await createStudy(learnersFile(), { goal, classes: [wide] });
  expect(await study.run("--cores", "2").ended).toMatchObject({ exitCode: 0, stderr: "" });
  const evaluations = (await readFile(study.at("evaluations"), "utf8")).trim().split("\n");
  expect(new Set(evaluations)).toEqual(new Set(["0 default 1", "1 default 1", "2 wide 2", "3 wide 2"]));
  expect(await classesOf(study)).toEqual(["default", "default", "wide", "wide"]);
  const submitted = (await study.rows("submissions")).map(({ resourceClass }) => resourceClass);
  expect(new Set(submitted)).toEqual(new Set(["default", "wide"]));
});

test("classes take turns where there is one place", async () => {
  const study = await createStudy(learnersFile(), { goal, classes: [wide] });
  expect(await study.run("--cores", "2", "--max-jobs", "1").ended).toMatchObject({ exitCode: 0, stderr: "" });
  const given = (await study.changes()).flatMap((change) =>
    change.kind === "learnerAssigned" ? [change.learner] : [],
  );
  expect(given).toEqual([0, 2, 1, 3]);
  const epochs = (await study.rows("learners")).map(({ epoch }) => epoch);
  expect(epochs).toEqual([1, 1, 1, 1]);
});

test("jobs, script and config tell the classes apart", async () => {
  const study = await createStudy(learnersFile(), { goal: { npoints: 100_000 }, classes: [wide] });
  const run = study.run("--cores", "3", "--json");
  await run.line((line) => line.includes('"event":"begin"'));
  const isListed = await eventually(async () => {
    const lines = (await output(study, "jobs", study.folder)).trim().split("\n");
    return lines.some((line) => / wide .*data\/2/.test(line)) && lines.some((line) => / default .*data\/0/.test(line));
  });
  expect(isListed).toBe(true);
  run.child.kill("SIGINT");
  await run.ended;

  expect(await output(study, "script", study.folder, "--class", "wide")).toContain("export ADAPTIVE_CORES=2");
  const script = await output(study, "script", study.folder);
  expect(script).toContain("export ADAPTIVE_CORES=1");
  expect(script).toContain("# Learners of the class wide (n>=2) have jobs with\n#   export ADAPTIVE_CLASS=wide");
  expect(script).toContain("#   export ADAPTIVE_CORES=2");
  const unknown = await study.start(["script", study.folder, "--class", "wild"]).ended;
  expect(unknown.stderr).toContain('There is no class "wild".\n  There is default, wide.');
  expect(await output(study, "config", study.folder)).toMatch(/classes +wide where n>=2: cores 2 +adaptive\.json:1/);
});

test("a filter of a parameter that no learner has makes no run, and names the line", async () => {
  const study = await createStudy(learnersFile());
  await writeFile(
    study.at("adaptive.json"),
    '{\n  "classes": [\n    {\n      "name": "wide",\n      "where": "m>=2",\n      "resources": {}\n    }\n  ]\n}',
  );
  const { exitCode, stderr } = await study.run().ended;
  expect(exitCode).toBe(2);
  const place = `${study.at("adaptive.json")}:5: classes.0.where: Filter, character 1`;
  expect(stderr).toContain(`${place}: no learner has a parameter m.`);
  expect(stderr).toContain("There is n;");
});

test("a class that is nobody's is remarked when the run is made", async () => {
  const study = await createStudy(learnersFile(), { classes: [{ ...wide, where: "n>99" }] });
  expect(await init(study)).toContain("No learner is in the class wide (n>99) of the setting classes.");
});

test("other classes at a later start hold for the learners from then on, also when they were edited with them", async () => {
  const study = await createStudy(learnersFile(), { goal, classes: [wide] });
  await init(study, "--cores", "2");
  expect(await classesOf(study)).toEqual(["default", "default", "wide", "wide"]);

  await writeFile(study.at("adaptive.json"), JSON.stringify({ goal, classes: [{ ...wide, where: "n=1" }] }));
  await init(study);
  await output(study, "stop", study.folder, "--shut-down");
  expect(await classesOf(study)).toEqual(["default", "wide", "default", "default"]);

  await writeFile(study.learnersFile, learnersFile("m"));
  await writeFile(study.at("adaptive.json"), JSON.stringify({ goal, classes: [{ ...wide, where: "m=0" }] }));
  expect(await study.run("--accept").ended).toMatchObject({ exitCode: 0, stderr: "" });
  expect(await classesOf(study)).toEqual(["wide", "default", "default", "default"]);
});
