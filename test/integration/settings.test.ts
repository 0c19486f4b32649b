import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import type { ConfigReport } from "../../src/scheduler/control/configReport";
import { createStudy, init, output, peaks, python, type Study } from "./program";
import { putUnnamable } from "../unit/scheduler/runFixture";

async function settingsOf(study: Study, ...args: string[]) {
  const report = JSON.parse(await output(study, "config", ...args, "--json")) as ConfigReport;
  return { ...report, settings: Object.fromEntries(report.settings.map((entry) => [entry.name, entry])) };
}

test("config says of each setting of a study what would hold and where that comes from", async () => {
  const study = await createStudy(peaks(1));
  await writeFile(study.at("adaptive.json"), '{\n  "retries": 2,\n  "goal": { "npoints": 9 }\n}');
  const start = ["--learners", study.learnersFile, "--profile", '{"maxJobs": 7}', "--set", "retries=3"];
  const { run, problem, settings } = await settingsOf(study, ...start);
  expect({ run, problem }).toEqual({ run: null, problem: null });
  expect(settings["goal"]).toEqual({
    name: "goal",
    now: null,
    next: [
      { origin: "study", value: { npoints: 9 }, where: `${study.at("adaptive.json")}:3` },
      { origin: "default", value: null, where: "default" },
    ],
  });
  expect(settings["retries"]?.next.map(({ origin, value }) => [origin, value])).toEqual([
    ["typed", 3],
    ["study", 2],
    ["default", 0],
  ]);
  expect(settings["maxJobs"]?.next[0]).toEqual({ origin: "profile", value: 7, where: "profile" });
  const lines = (await output(study, "config", ...start)).split("\n");
  expect(lines).toContainEqual(expect.stringMatching(/^ +goal +9 points +adaptive\.json:3$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ +retries +3 +typed$/));
  expect(lines).toContainEqual(expect.stringMatching(/^ +maxJobs +7 +profile$/));
});

test("what was typed holds in the run until typed anew or unset; config shows what the next start changes", async () => {
  const study = await createStudy(peaks(1), { goal: { npoints: 9 }, retries: 1 });
  await init(study, "--max-jobs", "3", "--goal", "loss=0.5", "--profile", '{"pollSeconds": 2}');
  const now = async (...names: string[]) => {
    const { settings } = await settingsOf(study, study.folder);
    return names.map((name) => settings[name]?.now);
  };
  expect(await now("maxJobs", "goal", "pollSeconds", "retries")).toEqual([
    { origin: "typed", value: 3 },
    { origin: "typed", value: { loss: 0.5 } },
    { origin: "profile", value: 2 },
    { origin: "study", value: 1 },
  ]);

  await writeFile(study.at("adaptive.json"), '{ "goal": { "npoints": 9 }, "retries": 4 }');
  const lines = (await output(study, "config")).split("\n");
  expect(lines).toContainEqual(
    expect.stringMatching(/retries +1 +adaptive\.json +from the next start on: 4, adaptive\.json:1$/),
  );
  expect(lines).toContainEqual(expect.stringMatching(/goal +loss 0\.5 +typed$/));

  const wrong = await study.start(["init", "--learners", study.learnersFile, "--python", "/nope"]).ended;
  expect(wrong).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("There is no Python at /nope.") as string,
  });
  await putUnnamable(study.folder);
  const again = ["init", "--learners", study.learnersFile, "--unset", "goal", "--set", "maxJobs=5"];
  expect(await output(study, ...again)).toBe(
    `There is a run in ${study.folder} already; from now on it goes by: goal 9 points, retries 4, maxJobs 5.\n` +
      `2 names are not UTF-8 and left out of the run's code: ${study.folder}/caf\u{FFFD}, ${study.folder}/caf\u{FFFD}.py. Rename them if jobs need them.\n`,
  );
  expect(await now("maxJobs", "goal", "pollSeconds", "retries", "python")).toEqual([
    { origin: "typed", value: 5 },
    { origin: "study", value: { npoints: 9 } },
    { origin: "profile", value: 2 },
    { origin: "study", value: 4 },
    { origin: "typed", value: python },
  ]);
});

test("a setting that is typed is what the run goes by", async () => {
  const study = await createStudy(peaks(1, 0.001), { goal: { npoints: 500_000 } });
  expect(await study.run("--goal", "npoints=7").ended).toMatchObject({ exitCode: 0 });
  expect(await study.rows("learners")).toMatchObject([{ state: "done" }]);
  const [learner] = await study.rows("learners");
  expect(learner?.npoints).toBeLessThan(50);
});

test("script prints what would be submitted, before there is a run and with what is typed", async () => {
  const study = await createStudy(peaks(1));
  const start = ["--learners", study.learnersFile, "--python", python, "--profile", '{"prelude": ["module load mpi"]}'];
  const before = await output(study, "script", ...start);
  expect(before).toMatch(/^#!/);
  expect(before).toContain("\nmodule load mpi\n");
  expect(before).toContain(`\npython=${python}\n`);
  await output(study, "init", ...start);
  expect(await output(study, "script", ...start)).toBe(before);
  expect(await output(study, "script")).toBe(before);
  expect(await output(study, "script", study.folder, "--set", "launcher=none")).not.toContain("mpiexec");
});
