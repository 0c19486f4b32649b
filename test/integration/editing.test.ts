import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { createStudy, eventually, peaks, type Running, type Study } from "./program";

const isEvent = (name: string) => (line: string) => line.includes(`"event":"${name}"`);
const lastEvent = (stdout: string) => JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;

/** Edits the learners file. */
async function edit(study: Study, from: string | RegExp, to: string): Promise<void> {
  const text = await readFile(study.learnersFile, "utf8");
  const edited = text.replace(from, to);
  expect(edited).not.toBe(text);
  await writeFile(study.learnersFile, edited);
}

/** A study that was run to its end. */
async function doneStudy(learners: number): Promise<Study> {
  const study = await createStudy(peaks(learners), { goal: { npoints: 5 } });
  expect(await study.run().ended).toMatchObject({ exitCode: 0 });
  return study;
}

/** Waits until learners run. */
const running = (run: Running) => run.line((line) => isEvent("progress")(line) && /"running":[1-9]/.test(line));

describe("a study that was edited since its run was made", () => {
  test("goes on with its new learners; those that were done stay done", async () => {
    const study = await doneStudy(2);
    await edit(study, "range(2)", "range(3)");
    const { exitCode, stdout } = await study.run("--json").ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain("The study was edited: 1 new.");
    expect(lastEvent(stdout)).toMatchObject({ learners: { done: 3 } });
    expect((await study.rows("learners")).map(({ id, epoch }) => [id, epoch])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
  });

  test("takes nothing away before somebody agrees, and keeps the data", async () => {
    const study = await doneStudy(3);
    await edit(study, "range(3)", "range(1)");
    const refused = await study.run().ended;
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("The study was edited: 2 gone (their data stays).");
    expect(refused.stderr).toContain("That is more than a tenth of its learners.");
    expect(refused.stderr).toContain("--accept");
    expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done", "done"]);

    const { exitCode, stdout } = await study.run("--accept", "--json").ended;
    expect(exitCode).toBe(0);
    expect(lastEvent(stdout)).toMatchObject({ learners: { done: 1, removed: 2 } });
    expect(await readdir(study.at("data"))).toHaveLength(3);

    await edit(study, "range(1)", "range(3)");
    expect(await study.run().ended).toMatchObject({ exitCode: 0 });
    expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done", "done"]);
  });

  test("goes on with the code it has when the edited file cannot be read, and says where", async () => {
    const study = await doneStudy(2);
    await edit(study, "import adaptive", "import adaptive\n1 / 0");
    await writeFile(study.at("adaptive.json"), JSON.stringify({ goal: { npoints: 8 } }));
    const { exitCode, stdout } = await study.run("--reopen").ended;
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /cannot be used, so the run goes on with the code it has\..*_learners\.py:\d+: ZeroDivisionError/,
    );
    expect(stdout).toContain("2 of 2 done learners miss the goal and go on.");
    expect((await study.rows("learners")).every(({ npoints }) => npoints >= 8)).toBe(true);
  });

  test("is updated while its jobs run: these keep their code, the next ones have the new", async () => {
    // The first learner has its code for as long as the update takes.
    const marked = peaks(2).replace(
      "def peak(x, offset):",
      "def peak(x, offset):\n    import os, time\n    open('old', 'a').write('.')\n" +
        "    while not os.path.exists('updated'): time.sleep(0.05)",
    );
    const study = await createStudy(marked, { goal: { npoints: 40 } });
    const run = study.run("--json", "--cores", "1");
    await running(run);
    await edit(study, "open('old', 'a')", "open('new', 'a')");
    const update = await study.start(["update", study.folder, "--json"]).ended;
    expect(JSON.parse(update.stdout)).toMatchObject({ edited: true, counts: { unchanged: 2 } });
    await writeFile(study.at("updated"), "");
    expect(await run.ended).toMatchObject({ exitCode: 0 });
    const lengths = await Promise.all(
      ["old", "new"].map(async (name) => (await readFile(study.at(name), "utf8")).length),
    );
    // Each learner was evaluated by one code from its first point to its last.
    expect(lengths.every((length) => length >= 40)).toBe(true);
    const revisions = (await study.rows("learners")).map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(2);
    expect(await study.start(["update", study.folder, "--dry-run"]).ended).toMatchObject({
      stdout: "The run has the study as it is.\n",
    });
  });

  test("has a running learner that is gone saved and taken off its job", async () => {
    const study = await createStudy(peaks(2, 0.05), { goal: { npoints: 1000 } });
    const run = study.run("--json");
    await run.line((line) => isEvent("progress")(line) && /"running":2/.test(line));
    await edit(study, "range(2)", "range(1)");
    const refused = await study.start(["update", study.folder]).ended;
    expect(refused.stderr).toContain("1 gone");
    expect(await study.start(["update", study.folder, "--accept"]).ended).toMatchObject({ exitCode: 0 });
    await run.line((line) => isEvent("progress")(line) && /"running":1/.test(line) && /"removed":1/.test(line));
    expect(await readdir(study.at("data"))).toContain("offset=0.1.pickle");
    run.child.kill("SIGINT");
    expect(await run.ended).toMatchObject({ exitCode: 130 });
  });

  test("takes files that it includes along with its code", async () => {
    const reading = `${peaks(1)}\nimport os\nassert os.path.exists(os.path.join(os.path.dirname(__file__), "tables", "a.csv"))\n`;
    const study = await createStudy(reading, { goal: { npoints: 5 }, include: ["tables"] });
    await mkdir(study.at("tables"));
    await writeFile(study.at("tables", "a.csv"), "1,2\n");
    expect(await study.run().ended).toMatchObject({ exitCode: 0, stderr: "" });
    await writeFile(study.at("adaptive.json"), JSON.stringify({ include: ["absent.csv"] }));
    const other = await createStudy(peaks(1), { include: ["absent.csv"] });
    expect((await other.run().ended).stderr).toContain("include: absent.csv is not there");
  });
});

describe("a learner that failed", () => {
  const broken = peaks(2).replace("time.sleep", "print('about to divide')\n    1 / (offset - 0.1)\n    time.sleep");

  test("keeps its error, traceback and output, and is retried when asked", async () => {
    const study = await createStudy(broken, { goal: { npoints: 5 }, maxFailures: 1 });
    expect(await study.run().ended).toMatchObject({ exitCode: 1 });
    const list = await study.start(["failures", study.folder, "--json"]).ended;
    expect(JSON.parse(list.stdout)).toMatchObject({ learners: [{ id: 1, state: "failed", failures: 1 }] });
    const one = await study.start(["failures", study.folder, "data/offset=0.1*"]).ended;
    expect(one.stdout).toContain("ZeroDivisionError");
    expect(one.stdout).toMatch(/_learners\.py", line \d+, in peak/);
    expect(one.stdout).toContain("about to divide");
    const absent = await study.start(["failures", study.folder, "0"]).ended;
    expect(absent.stderr).toContain("No failure of 0 is kept.");
    const nobody = await study.start(["failures", study.folder, "99"]).ended;
    expect(nobody.stderr).toContain("There is no learner 99: the run has learners 0 to 1.");

    await edit(study, "1 / (offset - 0.1)", "1 / (offset + 0.1)");
    const retry = await study.start(["retry", study.folder, "--json"]).ended;
    expect(JSON.parse(retry.stdout)).toEqual({ learners: [1], moved: 1 });
    // With the corrected code, although nobody said so.
    await eventually(async () => (await study.changes()).some(({ kind }) => kind === "learnerDone"));
  });

  test("because its job was killed keeps what the job printed", async () => {
    const killing = `${peaks(1)}
import os
def goal(learner):
    print("farewell", flush=True)
    os._exit(3)
`;
    const study = await createStudy(killing, { maxFailures: 1 });
    expect(await study.run().ended).toMatchObject({ exitCode: 1 });
    const { stdout } = await study.start(["failures", study.folder, "0", "--json"]).ended;
    expect((JSON.parse(stdout) as { output: string }).output).toContain("farewell");
  });
});

test("learners are stopped and opened again by their names", async () => {
  const study = await createStudy(peaks(3, 0.05), { goal: { npoints: 6 } });
  const run = study.run("--json", "--stay", "--cores", "1");
  await running(run);
  const stop = await study.start(["stop-learner", study.folder, "data/offset=0.2*", "--json"]).ended;
  expect(JSON.parse(stop.stdout)).toEqual({ learners: [2], moved: 1 });
  await run.line(isEvent("serving"));
  const nobody = await study.start(["stop-learner", study.folder]).ended;
  expect(nobody.stderr).toContain("stop-learner needs to know which learners");
  const reopen = await study.start(["reopen", study.folder, "0", "1", "--json"]).ended;
  expect(JSON.parse(reopen.stdout)).toEqual({ learners: [0, 1], moved: 2 });
  await eventually(async () => (await study.changes()).filter(({ kind }) => kind === "learnerDone").length === 4);
  run.child.kill("SIGINT");
  await run.ended;
});
