import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Cluster, QueuedJob } from "../../../src/scheduler/clusters/cluster";
import type { RunCommand } from "../../../src/scheduler/clusters/runCommand";
import { JobFiles } from "../../../src/scheduler/jobs/jobFiles";
import { JobLoop } from "../../../src/scheduler/jobs/loop";
import type { AdaptiveError } from "../../../src/scheduler/state/errors";
import { asJobId } from "../../../src/scheduler/state/rows";
import type { Store } from "../../../src/scheduler/state/store";
import { createRunOnDisk, defaultSettings, openStore } from "./runFixture";

const command = (argv: readonly string[]) => ({ argv, deadlineMs: 1000, parse: () => undefined as never });
const cluster: Cluster = {
  isExact: true,
  largestArray: () => null,
  account: () => null,
  submit: ({ number, count }) => command(["submit", String(number), String(count)]),
  list: () => command(["list"]),
  cancel: (jobs, force) => command(["cancel", ...jobs, ...(force ? ["by force"] : [])]),
};

/** A loop over a real store, whose queue the test plays: it answers each command, or throws. */
async function openLoop(learners: number, answer: (argv: readonly string[], store: Store) => unknown) {
  const store = await openStore(await createRunOnDisk(learners, { ...defaultSettings, pollSeconds: 0.01 }));
  const commands: (readonly string[])[] = [];
  const taken: object[] = [];
  const notices: (AdaptiveError | null)[] = [];
  const loop = new JobLoop({
    store,
    cluster,
    run: (async ({ argv }: { argv: readonly string[] }) => {
      commands.push(argv);
      return answer(argv, store);
    }) as RunCommand,
    files: new JobFiles(store.directory.jobs, store.model),
    script: () => "",
    progress: () => ({ npoints: 0, loss: null }),
    takeInMessage: (message) => Promise.resolve(void taken.push(message)),
    onNotice: (notice) => notices.push(notice),
    now: Date.now,
  });
  onTestFinished(() => loop.close());
  loop.poke();
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { store, loop, commands, taken, notices, until };
}

const submitted = ([, number = "", count = ""]: readonly string[]) =>
  Array.from({ length: Number(count) }, (_, i) => ({ id: `${number}_${i + 1}`, name: `s-${number}_${i + 1}` }));
const running = (id: string): QueuedJob => {
  const place = { restart: 0, host: "n1", waitsFor: null, isHopeless: false, end: null };
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
  const { store, taken, loop, until } = await openLoop(0, () => []);
  await until(() => loop.queueCalls > 0);
  const said = (n: number) => ({ type: "done", job: "1_1", n });
  for (const n of [10, 2]) await writeFile(join(store.directory.outbox, `i-${n}.json`), JSON.stringify(said(n)));
  await writeFile(join(store.directory.outbox, "i-3.json"), "{");
  await writeFile(join(store.directory.outbox, "i-4.tmp"), "{");
  await mkdir(join(store.directory.outbox, "i-5.json"));
  const calls = loop.queueCalls;
  await until(() => loop.queueCalls >= calls + 3);
  expect(taken).toEqual([said(2), said(10)]);
  expect((await readdir(store.directory.outbox)).sort()).toEqual(["i-3.json.bad", "i-4.tmp", "i-5.json.bad"]);
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
