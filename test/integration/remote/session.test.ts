import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/scheduler/state/clock";
import { initCommand, type InitResult, runCommand } from "../../../src/remote/launch";
import { localTransport } from "../../../src/remote/localTransport";
import { localProgram, type Program } from "../../../src/remote/program";
import type { Session } from "../../../src/remote/session";
import { asJobId, asLearnerId, type LearnerState, notStartedYet } from "../../../src/scheduler/state/rows";
import { trialOf } from "../../../src/scheduler/state/trial";
import { firstChanges, wasm } from "../../unit/scheduler/runFixture";
import { numbered, submitting } from "../../unit/remote/runHistory";
import { effects } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import { createStudy, eventually, peaks, programFile, python, type Study } from "../program";
import { openSession } from "./openSession";
import { workerReplica } from "./workerReplica";

function programOf(study: Study): Program {
  const { argv } = localProgram({ execPath: process.execPath, electron: undefined }, programFile);
  return { argv, env: { HOME: join(dirname(study.folder), "home") } };
}

function init(study: Study): Promise<InitResult> {
  return runCommand(
    localTransport,
    initCommand(programOf(study), {
      learnersFile: study.learnersFile,
      profile: { python },
      typed: { set: {}, unset: [] },
    }),
    {
      clock: systemClock,
      deadlineMs: 60_000,
      signal: new AbortController().signal,
      cwd: study.folder,
    },
  );
}

const connect = (study: Study) =>
  openSession(study.folder, () =>
    Promise.resolve({ transport: localTransport, program: programOf(study), path: study.folder }),
  );

const has = async (session: Session, state: LearnerState, count: number) =>
  (await session.query("overview", null)).learners[state] >= count;

const allLearners = { orderBy: "id", descending: false, offset: 0, limit: 100 } as const;

describe("a session with a real scheduler", () => {
  test("starts it, sets the jobs going, and mirrors them to the end", async () => {
    const study = await createStudy(peaks(3), { goal: { npoints: 40 } });
    expect(await init(study)).toMatchObject({ run: study.at(".adaptive"), resumed: false });
    expect(await init(study)).toMatchObject({ run: study.at(".adaptive"), resumed: true });
    const session = await connect(study);
    const previews = new Map<number, number>();
    session.onDidPreview(({ learner, preview }) => previews.set(learner, preview.npoints));
    session.watch([asLearnerId(0)]);
    await session.startJobs();
    expect(session.link).toEqual({ at: "online" });
    await eventually(() => has(session, "done", 3));

    const { rows } = await session.query("learners", allLearners);
    expect(rows.map(({ state }) => state)).toEqual(["done", "done", "done"]);
    for (const { npoints } of rows) expect(npoints).toBeGreaterThanOrEqual(40);
    const overview = await eventually(async () => {
      const now = await session.query("overview", null);
      return now.jobs.ended >= 1 && now.jobs.running === 0 && now;
    });
    expect(overview.npoints).toBe(rows.reduce((sum, { npoints }) => sum + npoints, 0));
    expect(previews.get(0)).toBeGreaterThan(0);
    // The charts end with what is so, not with jobs that have ended.
    const last = await eventually(async () => {
      const sample = (await session.query("series", null)).at(-1);
      return sample?.running === 0 && sample;
    });
    expect(last).toMatchObject({ npoints: overview.npoints, queued: 0, done: 3 });
    // What is damaged when somebody comes to look at it is not loading for ever.
    const nothing: unknown[] = [];
    session.onDidFindNothing((found) => nothing.push(found));
    await writeFile(study.at(rows[1]?.fname ?? ""), "no data");
    session.watch([asLearnerId(1)]);
    await eventually(() => Promise.resolve(nothing.length > 0));
    expect(nothing).toEqual([{ learner: 1, why: expect.stringContaining(rows[1]?.fname ?? "") as unknown }]);
    await rm(study.at(rows[2]?.fname ?? ""));
    session.watch([asLearnerId(2)]);
    await eventually(() => Promise.resolve(nothing.length > 1));
    expect(nothing[1]).toEqual({ learner: 2, why: null });
    const [job] = await session.query("jobs", { limit: 10 });
    expect(await session.jobOutput(job?.jobId ?? asJobId(""))).toMatchObject({ truncated: false });
    expect(await session.changeLearners("retry", [asLearnerId(0)])).toBe(0);
  });

  test("hears of an edited study, updates the run to it, and opens done learners again", async () => {
    const study = await createStudy(peaks(2), { goal: { npoints: 5 } });
    await init(study);
    const session = await connect(study);
    await session.startJobs();
    await eventually(() => has(session, "done", 2));
    expect(await session.studyEdits()).toEqual({ code: false, settings: false });
    expect(await session.compareStudy()).toBeNull();
    const edit = async (from: string, to: string) =>
      writeFile(study.learnersFile, (await readFile(study.learnersFile, "utf8")).replace(from, to));

    await edit("import time", "import time\n1 / 0");
    expect(await session.studyEdits()).toEqual({ code: true, settings: false });
    // The person's own file, and not the run's copy of it.
    const message = `${study.learnersFile}:3: ZeroDivisionError: division by zero`;
    await expect(session.compareStudy()).rejects.toMatchObject({ message });
    await edit("\n1 / 0", "");
    await edit("range(2)", "range(1, 4)");
    const comparison = await session.compareStudy();
    expect(comparison).toMatchObject({ counts: { added: 2, missing: 1, moved: 1 }, needsConsent: true });
    await expect(session.updateStudy("another")).rejects.toMatchObject({ code: "edited-again" });
    await session.updateStudy(comparison?.revision ?? "");
    expect(await session.studyEdits()).toEqual({ code: false, settings: false });
    await eventually(() => has(session, "done", 3));

    const says = (settings: object) => writeFile(study.at("adaptive.json"), JSON.stringify(settings));
    await says({ goal: { npoints: 5 }, retries: 0 });
    expect(await session.studyEdits()).toEqual({ code: false, settings: false });
    await says({ goal: { npoints: 9 } });
    expect(await session.studyEdits()).toEqual({ code: false, settings: true });
    await init(study);
    expect(await session.studyEdits()).toEqual({ code: false, settings: false });
    const { done, missed, unknown } = await session.missedGoals();
    expect({ done, unknown }).toEqual({ done: 3, unknown: [] });
    expect(await session.changeLearners("reopen", missed)).toBe(missed.length);
    await eventually(async () => (await session.missedGoals()).missed.length === 0 && (await has(session, "done", 3)));
  });

  test("knows how a learner failed, and stops one that waits", async () => {
    const study = await createStudy(
      peaks(2).replace("time.sleep", "print('farewell')\n    1 / offset\n    time.sleep"),
      {
        maxFailures: 1,
        resources: { cores: 1 },
      },
    );
    await init(study);
    const session = await connect(study);
    expect(await session.changeLearners("stop", [asLearnerId(1)])).toBe(1);
    await session.startJobs();
    await eventually(() => has(session, "failed", 1));
    const failure = await session.failure(asLearnerId(0));
    expect(failure?.error).toContain("ZeroDivisionError");
    expect(failure?.traceback).toContain("in peak");
    expect(failure?.output).toContain("farewell");
    expect(await session.failure(asLearnerId(1))).toBeNull();
    expect(await has(session, "stopped", 1)).toBe(true);
  });

  test("comes back after the scheduler was killed, with nothing lost and nothing doubled", async () => {
    const study = await createStudy(peaks(6, 0.1), { goal: { npoints: 25 } });
    await init(study);
    const session = await connect(study);
    await session.startJobs();
    await eventually(() => has(session, "running", 1));
    const endpoint = JSON.parse(await readFile(study.at(".adaptive", "endpoint.json"), "utf8")) as {
      pid: number;
      incarnation: number;
    };
    process.kill(endpoint.pid, "SIGKILL");
    await eventually(() => Promise.resolve(session.link.at === "retrying"));
    await eventually(() => has(session, "done", 6));

    const mirrored = (await session.query("learners", allLearners)).rows;
    expect(mirrored.map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(mirrored.map(({ epoch }) => epoch)).toEqual([1, 1, 1, 1, 1, 1]);
    expect((await session.query("overview", null)).run.incarnation).toBe(endpoint.incarnation + 1);
    session.dispose();
    await study.start(["stop", study.folder, "--shut-down"]).ended;
    // The endpoint goes when the last snapshot is written.
    await eventually(() =>
      stat(study.at(".adaptive", "endpoint.json")).then(
        () => false,
        () => true,
      ),
    );
    expect(await study.rows("learners")).toEqual(mirrored);
  });

  test("tries a point of chosen learners, which can be cancelled, and again once the study is corrected", async () => {
    const study = await createStudy(peaks(3, 1000));
    await init(study);
    const session = await connect(study);
    const chosen = [asLearnerId(0), asLearnerId(2)];
    const cancelled = session.tryLearners(chosen);
    const [job] = await eventually(async () => {
      const jobs = await session.query("jobs", { limit: 10 });
      return jobs.some(({ resourceClass, state }) => resourceClass === "try" && state === "running") && jobs;
    });
    await session.cancelJobs([job?.jobId ?? asJobId("")]);
    const { trials, proposal } = await cancelled;
    expect(trials.map(({ id }) => id)).toEqual(chosen);
    for (const { trial } of trials) expect(trial.error).not.toBeNull();
    expect(proposal).toBeNull();
    expect(await session.compareStudy()).toBeNull();

    await writeFile(study.learnersFile, peaks(3, 0.1));
    const comparison = await session.compareStudy();
    expect(comparison).toMatchObject({ needsConsent: false, counts: { added: 0, missing: 0 } });
    await session.updateStudy(comparison?.revision ?? "");
    const again = await session.tryLearners(chosen);
    expect(again.proposal).not.toBeNull();
    const row = await eventually(async () => {
      const learner = await session.query("learner", { id: asLearnerId(2) });
      return learner && trialOf(learner)?.error === null && learner;
    });
    expect(trialOf(row)).toEqual(again.trials[1]?.trial);
    expect(row).toMatchObject({ state: "waiting", epoch: 0 });
    const { run } = await session.query("overview", null);
    expect(run).toMatchObject({ activity: "paused", reason: notStartedYet });
  });

  test("says why a study cannot be started, and makes no run", async () => {
    const study = await createStudy("learners = undefined_name\n");
    await expect(init(study)).rejects.toMatchObject({
      name: "AdaptiveError",
      message: expect.stringMatching("undefined_name") as string,
    });
  });

  test("says that there is no run to attach to", async () => {
    const session = await connect(await createStudy(peaks(1)));
    await eventually(() => Promise.resolve(session.link.at === "retrying"));
    expect(session.link).toMatchObject({ why: expect.stringMatching("There is no run in") as string });
  });
});

describe("a replica in a worker", () => {
  test("answers from its own thread, and can be filled again after its worker has ended", async () => {
    const replica = await workerReplica();
    await expect(replica.query("overview", null)).rejects.toMatchObject({ code: "no-data" });
    const changes = numbered(firstChanges(1000));
    const database = await Database.open(null, wasm);
    database.apply(changes.flatMap(effects));
    const snapshot = database.export();
    expect(await replica.load(Uint8Array.from(snapshot))).toBe(4);
    const more = numbered([...firstChanges(1000), submitting(1), submitting(2)]).slice(4);
    await expect(replica.applyChanges(more.slice(1))).rejects.toMatchObject({ code: "gap" });
    expect(await replica.applyChanges(more)).toBe(6);
    expect((await replica.query("overview", null)).learners.waiting).toBe(1000);
    const asking = replica.query("series", null);
    replica.dispose();
    await expect(asking).rejects.toMatchObject({ code: "replica-ended" });
    expect(await replica.load(Uint8Array.from(snapshot))).toBe(4);
    expect((await replica.query("overview", null)).run.seq).toBe(4);
  });

  test("answers also what has no answer that could be sent, and those behind it", async () => {
    const replica = await workerReplica();
    const database = await Database.open(null, wasm);
    database.apply(numbered(firstChanges(3)).flatMap(effects));
    await replica.load(database.export());
    database.close();
    // Every object has this one, and it answers with functions.
    const unsendable = replica.query("valueOf" as "overview", null);
    const behind = replica.query("overview", null);
    await expect(unsendable).rejects.toMatchObject({ code: "unexpected" });
    expect((await behind).learners.waiting).toBe(3);
  });
});
