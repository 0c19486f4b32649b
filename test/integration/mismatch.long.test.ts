import { mkdir, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createStudy, peaks, python } from "./program";

test("learners files of jobs that differ from the run pause it after a few jobs, until an update", async () => {
  // What the file makes of its learners depends on more than its code.
  const drifting = `${peaks(12, 0.001)}\nprefix = open("prefix").read()\nfnames = [f"{prefix}/{i}" for i in range(12)]\n`;
  const study = await createStudy(drifting, { goal: { npoints: 3 } });
  await writeFile(study.at("prefix"), "before");
  await study.start(["init", "--learners", study.learnersFile, "--python", python]).ended;
  await writeFile(study.at("prefix"), "after");

  const paused = await study.run().ended;
  expect(paused.exitCode).toBe(2);
  const words =
    /The last \d jobs found other learners than the run has, so no more are submitted: in _learners\.py fnames\[\d+\] is 'after\/\d+', where the run has 'before\/\d+', and no learner has that file name\./g;
  expect(paused.stdout.match(words)).toHaveLength(1);
  expect(paused.stdout).toContain("adaptive-scheduler update");
  const jobs = (await study.changes()).flatMap((change) => (change.kind === "jobsSubmitted" ? change.jobs : []));
  expect(jobs.length).toBeGreaterThanOrEqual(5);
  expect(jobs.length).toBeLessThanOrEqual(7);
  // It is nobody's failure.
  for (const learner of await study.rows("learners"))
    expect(learner).toMatchObject({ state: "waiting", failures: 0, fruitlessJobs: 0 });
  const status = await study.start(["status", study.folder]).ended;
  expect(status.stdout).toMatch(words);
  expect(status.stdout).toContain("adaptive-scheduler update");

  const refused = await study.start(["update", study.folder]).ended;
  expect(refused.stderr).toMatch(/12 new.*12 gone|12 gone.*12 new/);
  expect(await study.start(["update", study.folder, "--accept"]).ended).toMatchObject({ exitCode: 0 });
  await study.start(["stop", study.folder, "--shut-down"]).ended;
  const done = await study.run().ended;
  expect(done).toMatchObject({ exitCode: 0, stderr: "" });
  expect(done.stdout).toContain("12 done");
});

test("jobs with other versions than the run was made with say so once", async () => {
  const study = await createStudy(peaks(4, 0.001), { goal: { npoints: 3 } });
  const packages = study.at("packages", "numpy-0.0.1.dist-info");
  await mkdir(packages, { recursive: true });
  await writeFile(`${packages}/METADATA`, "Metadata-Version: 2.1\nName: numpy\nVersion: 0.0.1\n");
  const prelude = `[ -z "$ADAPTIVE_JOB_ID" ] || export PYTHONPATH="${study.at("packages")}:$PYTHONPATH"`;
  const run = await study.run("--profile", JSON.stringify({ prelude: [prelude] })).ended;
  expect(run.exitCode).toBe(0);
  const words = /Jobs run with numpy 0\.0\.1, but the run was made with numpy \d\S+: data of both may get mixed/g;
  expect(run.stdout.match(words)).toHaveLength(1);
  expect((await readFile(study.at(".adaptive", "scheduler.log"), "utf8")).match(words)).toHaveLength(1);
  expect((await study.changes()).filter(({ kind }) => kind === "runRemarked")).toHaveLength(1);

  const again = await study.run("--goal", "npoints=5", "--reopen").ended;
  expect(again).toMatchObject({ exitCode: 0 });
  expect(again.stdout).not.toMatch(words);
  expect((await study.start(["status", study.folder]).ended).stdout.match(words)).toHaveLength(1);
});
