import { execFile } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Cluster, QueuedJob } from "../../../src/scheduler/clusters/cluster";
import type { RunCommand } from "../../../src/scheduler/clusters/runCommand";
import { JobFiles } from "../../../src/scheduler/jobs/jobFiles";
import { JobLoop } from "../../../src/scheduler/jobs/loop";
import { emptyOutbox } from "../../../src/scheduler/jobs/outbox";
import { systemClock, type Clock } from "../../../src/scheduler/state/clock";
import { realDisk } from "../../../src/scheduler/state/disk";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import type { Store } from "../../../src/scheduler/state/store";
import type { Settings } from "../../../src/scheduler/state/settings";
import { assigned, createRunOnDisk, defaultSettings, openStore } from "./runFixture";

const command = (argv: readonly string[]) => ({ argv, deadlineMs: 1000, parse: () => undefined as never });
const cluster: Cluster = {
  isExact: true,
  largestArray: () => null,
  account: () => null,
  submit: ({ number, count }) => command(["submit", String(number), String(count)]),
  list: () => command(["list"]),
  cancel: (jobs, force) => command(["cancel", ...jobs, ...(force ? ["by force"] : [])]),
  shell: (job) => ["shell", job],
};

/** A loop over a real store, whose queue the test plays: it answers each command, or throws. */
async function openLoop(
  learners: number,
  answer: (argv: readonly string[], store: Store) => unknown,
  {
    before,
    clock = systemClock,
    isExact = true,
    settings = {},
    maxConnections = Infinity,
    filesOf = ({ directory, model }) => new JobFiles(directory.jobs, model),
  }: {
    before?: (store: Store) => Promise<void>;
    clock?: Clock;
    isExact?: boolean;
    settings?: Partial<Settings>;
    maxConnections?: number;
    filesOf?: (store: Store) => JobFiles;
  } = {},
) {
  const store = await openStore(
    await createRunOnDisk(learners, { ...defaultSettings, pollSeconds: isExact ? 0.01 : 60, ...settings }),
    {
      now: () => clock.now(),
    },
  );
  const commands: (readonly string[])[] = [];
  const taken: object[] = [];
  const notices: (AdaptiveError | null)[] = [];
  const remarks: string[] = [];
  await before?.(store);
  const loop = new JobLoop({
    store,
    cluster: { ...cluster, isExact },
    run: (async ({ argv }: { argv: readonly string[] }) => {
      commands.push(argv);
      return answer(argv, store);
    }) as RunCommand,
    prepare: () => Promise.resolve(),
    files: filesOf(store),
    script: () => "",
    progress: () => ({ npoints: 0, loss: null }),
    takeInMessage: (message) => Promise.resolve(taken.push(message) > 0),
    onRemark: (remark) => remarks.push(remark),
    onNotice: (notice) => notices.push(notice),
    heardAt: () => 0,
    silenceMs: () => 0,
    clock,
    maxConnections,
    random: () => 0,
  });
  onTestFinished(() => loop.close());
  loop.poke();
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { store, loop, commands, taken, notices, remarks, until };
}

const submitted = ([, number = "", count = ""]: readonly string[]) =>
  Array.from({ length: Number(count) }, (_, i) => ({ id: `${number}_${i + 1}`, name: `s-${number}_${i + 1}` }));
const running = (id: string): QueuedJob => {
  const place = { restart: 0, host: "n1", walltimeSeconds: null, waitsFor: null, isHopeless: false, end: null };
  return { id, name: `s-${id}`, submission: 1, state: "running", ...place };
};

test("a submission is on disk before the queue hears of it", async () => {
  let journal = "";
  const { store, commands, until } = await openLoop(2, async (argv, store) => {
    if (argv[0] === "list") return [...store.model.liveJobs].map(running);
    const names = (await readdir(store.directory.own)).filter((name) => name.startsWith("journal"));
    journal = await readFile(store.directory.at(names[0] ?? ""), "utf8");
    return submitted(argv);
  });
  await until(() => store.model.jobs.size === 2);
  expect(journal).toContain('"kind":"jobsSubmitting","submission":1');
  await until(() => commands.filter(([verb]) => verb === "list").length >= 3);
  expect(commands.filter(([verb]) => verb === "submit")).toEqual([["submit", "1", "2"]]);
});

test("no more jobs are there than the scheduler can have connections, however many there may be", async () => {
  const queue = (argv: readonly string[], { model }: Store) =>
    argv[0] === "list" ? [...model.liveJobs].map(running) : submitted(argv);
  const { store, commands, until } = await openLoop(9, queue, {
    settings: { maxJobs: 7, budget: 100 },
    maxConnections: 3,
  });
  await until(() => commands.filter(([verb]) => verb === "list").length >= 3);
  expect(store.model.liveJobs.size).toBe(3);
});

test("a queue that does not answer changes nothing, is told of, and asked again later", async () => {
  let isSilent = false;
  const { store, notices, loop, until } = await openLoop(1, (argv, store) => {
    if (isSilent) throw new Error("connect failure");
    return argv[0] === "list" ? [...store.model.liveJobs].map(running) : submitted(argv);
  });
  await until(() => [...store.model.jobs.values()].some(({ state }) => state === "running"));
  await store.synced();
  isSilent = true;
  const { seq } = store.position;
  const calls = loop.queueCalls;
  await until(() => loop.queueCalls >= calls + 3);
  expect(notices.at(-1)).toMatchObject({
    code: "queue-silent",
    message: expect.stringContaining("connect failure") as string,
  });
  expect(store.position.seq).toBe(seq);
  expect([...store.model.liveJobs]).toEqual(["1_1"]);
  isSilent = false;
  await until(() => notices.at(-1) === null);
});

test.each([
  ["is not made again when the queue has its jobs", [running("1_1")], ["submitted"]],
  ["is made again when the queue has none of it", [], ["refused", "submitting"]],
])("a submission of which nobody knows whether it happened %s", async (_, listing, states) => {
  const { store, until } = await openLoop(1, (argv) => {
    if (argv[0] === "list") return listing;
    throw new Error("timed out");
  });
  const submissions = () => [...store.model.submissions.values()].map(({ state }) => state);
  await until(() => submissions().join() === states.join());
  expect([...store.model.liveJobs]).toEqual(listing.map(({ id }) => id));
});

test("what jobs left in the outbox is taken in once, in the order of each job's requests; what is no message is set aside", async () => {
  const said = (n: number) => ({ type: "done", job: "1_1", n });
  const { store, taken, until } = await openLoop(0, () => [], {
    before: async ({ directory: { outbox } }) => {
      for (const n of [10, 2]) await writeFile(join(outbox, `i-${n}.json`), JSON.stringify(said(n)));
      await writeFile(join(outbox, "i-3.json"), "{");
      await writeFile(join(outbox, "i-4.tmp"), "{");
      await mkdir(join(outbox, "i-5.json"));
    },
  });
  const left = () => readdirSync(store.directory.outbox).sort().join();
  await until(() => left() === "i-3.json.bad,i-4.tmp,i-5.json.bad");
  expect(taken).toEqual([said(2), said(10)]);
});

test("what jobs left while nobody served them is taken in before anything else", async () => {
  const left = { type: "done", job: "1_1", n: 2 };
  const { loop, taken, commands } = await openLoop(1, () => [], {
    before: ({ directory: { outbox } }) => writeFile(join(outbox, "i-2.json"), JSON.stringify(left)),
    clock: { now: () => 1e9, after: () => () => undefined },
  });
  await loop.open();
  expect({ taken, commands }).toEqual({ taken: [left], commands: [] });
});

test("a message that another scheduler has just taken in is passed over", async () => {
  const { directory } = await openStore(await createRunOnDisk(0));
  await writeFile(join(directory.outbox, "i-2.json"), "{}");
  // Whoever was quicker has deleted it.
  const readFile = (path: string) => rm(path).then(() => realDisk.readFile(path));
  const [taken, aside]: [object[], string[]] = [[], []];
  const { path, folder } = directory;
  const seenLate = new RunDirectory(path, folder, { ...realDisk, readFile });
  await emptyOutbox(
    seenLate,
    (message) => Promise.resolve(taken.push(message) > 0),
    (path) => aside.push(path),
  );
  expect([taken, aside]).toEqual([[], []]);
});

test.each<[string, (path: string) => Promise<unknown>]>([
  ["half a message", (path) => writeFile(path, '{"v":1')],
  ["a list", (path) => writeFile(path, "[]")],
  ["a message of another version", (path) => writeFile(path, '{"v":2}')],
  ["more than a message", (path) => writeFile(path, `{"v":"${"1".repeat(1 << 20)}"}`)],
  ["a folder", (path) => mkdir(path)],
  ["a pipe", (path) => promisify(execFile)("mkfifo", [path])],
  ["a link to what has no end", (path) => symlink("/dev/zero", path)],
  ["a link to nothing", (path) => symlink("nowhere", path)],
])("%s in the outbox is kept aside and said, and what lies behind it is taken in", async (_, make) => {
  const { directory } = await openStore(await createRunOnDisk(0));
  const [first, second] = [join(directory.outbox, "a-1.json"), join(directory.outbox, "b-1.json")];
  await make(first);
  await writeFile(second, '{"v":1}');
  const [taken, aside]: [object[], string[]] = [[], []];
  await emptyOutbox(
    directory,
    (message) => {
      if ("v" in message && message.v === 1) taken.push(message);
      return Promise.resolve("v" in message && message.v === 1);
    },
    (path) => aside.push(path),
  );
  expect([taken, aside]).toEqual([[{ v: 1 }], [`${first}.bad`]]);
  expect(await readdir(directory.outbox)).toEqual(["a-1.json.bad"]);
});

test("a job that left its message and ended before the listing is done, not given back", async () => {
  const left = { type: "done", job: "1_1", n: 2 };
  const { store, taken, until } = await openLoop(1, async (argv, store) => {
    if (argv[0] === "submit") return submitted(argv);
    if (!store.model.liveJobs.has(asJobId("1_1"))) return [];
    // It leaves its message at the last moment, and is listed as ended.
    if (taken.length === 0) await writeFile(join(store.directory.outbox, "i-2.json"), JSON.stringify(left));
    return [{ ...running("1_1"), state: "ended", end: { exitCode: 0, cause: null } }];
  });
  await until(() => store.model.jobs.get(asJobId("1_1"))?.state === "ended");
  expect(taken).toEqual([left]);
});

describe("of a queue that is not exact", () => {
  /** A clock that only the test moves, and only when nothing else is to be done. */
  class TestClock implements Clock {
    private time = 1e9;
    private readonly timers = new Map<number, { at: number; callback: () => void }>();
    private count = 0;

    now(): number {
      return this.time;
    }

    after(delayMs: number, callback: () => void): () => void {
      const key = this.count++;
      this.timers.set(key, { at: this.time + delayMs, callback });
      return () => this.timers.delete(key);
    }

    /** Goes on to the next timer, if there is one. */
    tick(): void {
      const [next] = [...this.timers].sort(([, a], [, b]) => a.at - b.at);
      if (!next) return;
      const [key, { at, callback }] = next;
      this.timers.delete(key);
      this.time = at;
      callback();
    }
  }

  /** A loop whose queue answers as told, over as many rounds. */
  async function runLoop(
    answer: (argv: readonly string[], now: number, store: Store, clock: Clock) => unknown,
    rounds: number,
    learners = 1,
    settings: Partial<Settings> = {},
  ) {
    const clock = new TestClock();
    const calls: { verb: string | undefined; at: number }[] = [];
    const opened = await openLoop(
      learners,
      (argv, store) => {
        calls.push({ verb: argv[0], at: clock.now() });
        return answer(argv, clock.now(), store, clock);
      },
      { clock, isExact: false, settings },
    );
    for (let round = 0; round < rounds; round++) {
      clock.tick();
      await opened.loop.settled();
    }
    const times = (verb: string) =>
      calls.filter((call) => call.verb === verb).map(({ at }) => Math.round(at - 1e9) / 1000);
    return { ...opened, times };
  }

  const asRunning = (_: string, store: Store) => [...store.model.liveJobs].map(running);

  test("the first jobs are looked at after 5, 15 and 30 s, and after each news of them; then the queue is asked each minute, and not at all without jobs", async () => {
    let listed: QueuedJob["state"] = "queued";
    const { times } = await runLoop((argv, now, store) => {
      if (argv[0] === "submit") return submitted(argv);
      if (now >= 1e9 + 100_000) listed = "running";
      return asRunning("", store).map((job) => ({ ...job, state: listed }));
    }, 30);
    const [submittedAt = 0] = times("submit");
    expect(
      times("list")
        .map((at) => Math.round(at - submittedAt))
        .slice(0, 8),
    ).toEqual([5, 15, 30, 90, 150, 155, 165, 180]);
    expect((await runLoop(() => [], 5, 0)).times("list")).toEqual([]);
  });

  test("it is asked once a minute when a job has asked for a learner", async () => {
    const { times } = await runLoop((argv, _, store) => {
      if (argv[0] === "submit") return submitted(argv);
      if (!store.model.job(asJobId("1_1")).hasAsked) store.record(assigned("1_1", 0));
      return asRunning("", store);
    }, 12);
    const gaps = times("list")
      .slice(1)
      .map((at, i) => Math.round(at - (times("list")[i] ?? 0)));
    expect(gaps.slice(0, 3)).toEqual([60, 60, 60]);
  });

  const ended = (id: string): QueuedJob => ({ ...running(id), state: "ended", end: { exitCode: 3, cause: "exit" } });

  test("an end that the queue states is believed at once, and so is one that the job wrote down", async () => {
    const stated = await runLoop((argv) => (argv[0] === "submit" ? submitted(argv) : [ended("1_1")]), 3);
    const first = stated.store.model.job(asJobId("1_1"));
    expect(first).toMatchObject({ state: "ended", ending: "exit", exitCode: 3, reason: "ended with exit code 3" });
    expect((first.endedAt ?? 0) - first.submittedAt).toBeLessThanOrEqual(5200);
    const written = await runLoop((argv, _, store) => {
      if (argv[0] === "submit") return submitted(argv);
      writeFileSync(join(store.directory.jobs, "1_1.end"), "3 0\n");
      return asRunning("", store);
    }, 3);
    expect(written.store.model.job(asJobId("1_1"))).toMatchObject({ state: "ended", exitCode: 3 });
  });

  test("jobs that die at once pause the run within 20 s of the last death, with the queue's reason", async () => {
    const end = {
      exitCode: null,
      cause: "exit",
      words: "could not be started on its node (JobLaunchFailure)",
    } as const;
    let lastAt = 0;
    const { store, notices } = await runLoop(
      (argv, now, store) => {
        if (argv[0] === "list") return [...store.model.jobs.keys()].map((id) => ({ ...ended(id), end }));
        lastAt = now;
        return submitted(argv);
      },
      20,
      2,
    );
    expect(store.model.run).toMatchObject({ activity: "paused" });
    expect(store.model.run.activityAt - lastAt).toBeLessThanOrEqual(20_000);
    expect(notices.at(-1)).toMatchObject({
      code: "jobs-die-at-once",
      message: expect.stringContaining(end.words) as string,
    });
  });

  test("why the jobs were paused is not told any more when a person has started them again meanwhile", async () => {
    let asked = 0;
    class StartedAgain extends JobFiles {
      override tail() {
        asked++;
        store.record({ kind: "activityChanged", activity: "active", stopsGently: 0, reason: null });
        return Promise.resolve({ text: "", truncated: false });
      }
    }
    const answer = (argv: readonly string[], { model }: Store) =>
      argv[0] === "list" ? [...model.jobs.keys()].map(ended) : submitted(argv);
    const { store, notices, until } = await openLoop(9, answer, {
      filesOf: ({ directory, model }) => new StartedAgain(directory.jobs, model),
    });
    // The second time, what came of the first has been told.
    await until(() => asked === 2);
    expect(notices).toEqual([]);
  });

  test("an end of before the queue started the job anew is none", async () => {
    const requeued: Partial<QueuedJob> = { restart: 1, state: "queued" };
    const { store } = await runLoop((argv, now) => {
      if (argv[0] === "submit") return submitted(argv);
      return [now < 1e9 + 10_000 ? { ...running("1_1"), ...requeued } : ended("1_1")];
    }, 4);
    expect(store.model.job(asJobId("1_1"))).toMatchObject({ state: "queued", restart: 1 });
  });

  test("a walltime that the queue has shortened is said once, and tells how a job ended that nobody tells of", async () => {
    const clockMs = { start: 0 };
    const { store, remarks } = await runLoop(
      (argv, now, store) => {
        if (argv[0] === "submit") return submitted(argv);
        clockMs.start ||= now;
        return now - clockMs.start < 300_000
          ? asRunning("", store).map((job) => ({ ...job, walltimeSeconds: 300 }))
          : [];
      },
      80,
      1,
      { resources: { ...defaultSettings.resources, walltime: "4:00:00" } },
    );
    expect(remarks).toEqual([expect.stringContaining("gives jobs 300 s where 14400 s were asked for (job 1_1)")]);
    // Where who started it from another computer sees it too.
    expect(store.model.run.remark).toBe(remarks[0]);
    expect(store.model.job(asJobId("1_1"))).toMatchObject({ ending: "walltime" });
  });

  test("that takes no more jobs is asked again after a minute, then two; that is said, and over when it takes some", async () => {
    let refusals = 3;
    const { times, notices, store } = await runLoop((argv, _, store) => {
      if (argv[0] === "list") return [...store.model.liveJobs].map(running);
      if (refusals-- > 0) throw new AdaptiveError("queue-full", "QOSMaxSubmitJobPerUserLimit");
      return submitted(argv);
    }, 40);
    const [first = 0, ...others] = times("submit");
    expect(others.map((at) => Math.round((at - first) / 60))).toEqual([1, 3, 7]);
    expect(notices[0]).toMatchObject({ code: "queue-full", hint: "It is asked again in 1 min; jobs go on." });
    expect(notices.at(-1)).toBeNull();
    expect(store.model.run.activity).toBe("active");
  });

  test("that takes some but not all, and of an array all or nothing, gets as many jobs as it takes", async () => {
    const limit = 3;
    const counts: number[] = [];
    const { notices, store } = await runLoop(
      (argv, _, store) => {
        const live = [...store.model.liveJobs];
        if (argv[0] === "list") return live.map(running);
        counts.push(Number(argv[2]));
        if (live.length + Number(argv[2]) > limit) throw new AdaptiveError("queue-full", "QOSMaxSubmitJobPerUserLimit");
        return submitted(argv);
      },
      20,
      20,
    );
    expect(store.model.liveJobs.size).toBe(limit);
    expect(counts.slice(0, 6)).toEqual([5, 2, 3, 1, 2, 1]);
    expect(notices[0]).toMatchObject({ code: "queue-full", hint: "It is asked again in 1 min; jobs go on." });
  });

  test("that refuses what is asked for pauses the run in its own words", async () => {
    const { times, store, notices } = await runLoop(() => {
      throw new AdaptiveError("submission-refused", "sbatch: error: invalid partition specified: nope");
    }, 5);
    expect(times("submit")).toHaveLength(1);
    expect(store.model.run).toMatchObject({ activity: "paused" });
    expect(store.model.run.reason).toContain("invalid partition specified: nope");
    expect(notices[0]).toMatchObject({ code: "run-paused", hint: "Correct the cause, then start the jobs again." });
  });

  test("a submission that hung is made again only when two listings have none of it", async () => {
    const { times, store } = await runLoop((argv) => {
      if (argv[0] === "list") return [];
      if (argv[1] === "1") throw new AdaptiveError("command-timeout", "sbatch did not answer within 60 s");
      return submitted(argv);
    }, 6);
    const [first = 0, again = 0] = times("submit");
    expect(times("list").filter((at) => at <= again).length).toBeGreaterThanOrEqual(2);
    expect(again - first).toBeGreaterThanOrEqual(60);
    expect([...store.model.submissions.values()].map(({ state }) => state)).toEqual(["refused", "submitted"]);
  });

  test("a job that was told that nothing is left has ended when it says so, before the queue is asked again", async () => {
    const first = asJobId("1_1");
    const { store } = await runLoop((argv, _, store, clock) => {
      if (argv[0] === "submit") return submitted(argv);
      const told = {
        job: first,
        restart: 0,
        instance: "i",
        requestNumber: 1,
        host: "n1",
        why: "no learner is waiting",
      };
      if (store.model.job(first).answer === null) store.record({ kind: "jobDismissed", ...told });
      clock.after(1000, () => writeFileSync(join(store.directory.jobs, "1_1.end"), "0 0\n"));
      return [...store.model.liveJobs].map(running);
    }, 4);
    const { state, ending, exitCode, endedAt } = store.model.job(first);
    expect({ state, ending, exitCode, endedAt }).toEqual({
      state: "ended",
      ending: "exit",
      exitCode: 0,
      endedAt: 1e9 + 7200,
    });
  });
});

test("however often somebody asks, no more jobs that try points are out than jobs may be", async () => {
  const submit = (argv: readonly string[]) =>
    argv[0] === "submit" ? [{ id: `${argv[1]}_1`, name: `study-${argv[1]}` }] : [];
  const { loop, store } = await openLoop(1, submit, { isExact: false, settings: { maxJobs: 3 } });
  await store.synced();
  const asked = await Promise.allSettled(Array.from({ length: 50 }, () => loop.try([asLearnerId(0)])));
  expect(asked.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  await expect(loop.try([asLearnerId(0)])).rejects.toMatchObject({ code: "trials-full" });
});
