/** Whatever lies in a state folder is lost, one by one and all at once, while a run is served and its jobs run. */
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { assetsIn } from "../../src/scheduler/assets";
import { ask } from "../../src/scheduler/control/dealer";
import { Log } from "../../src/scheduler/log";
import { Scheduler } from "../../src/scheduler/server";
import type { AdaptiveError } from "../../src/scheduler/state/errors";
import { recover } from "../../src/scheduler/state/recovery";
import { RunDirectory } from "../../src/scheduler/state/runDirectory";
import { readEndpoint } from "../../src/scheduler/workers/endpoint";
import { wasm } from "../unit/scheduler/runFixture";
import { createStudy, eventually, init, killTree, peaks, programFile, type Study } from "./program";

/** What may become of something that lies at a path; `isFolder` says what it was. */
const fates: Record<string, (path: string, isFolder: boolean) => Promise<unknown>> = {
  removed: () => Promise.resolve(),
  emptied: (path, isFolder) => (isFolder ? mkdir(path) : writeFile(path, "")),
  "replaced by words": (path) => writeFile(path, "words of somebody\n"),
  "replaced by a folder": (path) => mkdir(join(path, "of somebody"), { recursive: true }),
  "replaced by a link to itself": (path) => symlink(path, path),
  "replaced by a link to what has no end": (path) => symlink("/dev/zero", path),
  "replaced by a pipe": (path) => promisify(execFile)("mkfifo", [path]),
};

/** What is in the state folder, but for the lock, whose loss ends its scheduler (lock.test.ts), and what is being written. */
async function placesIn({ own }: RunDirectory): Promise<string[]> {
  const names = await readdir(own, { recursive: true });
  return names.filter((name) => !/^lock(\/|$)|__pycache__|\.tmp$|\.aside-|of somebody/.test(name)).sort();
}

/** Of the many files of the package each has one fate, the others all. */
const isOfPackage = (name: string) => /^client\/.*\//.test(name);

/** Without it nobody knows of a job any more, and another takes its learner. */
const knowsOfJobs = (name: string) => /^jobs(\/.*\.pid)?$/.test(name);

/** What jobs and people read, and nobody writes while a run goes on. */
const isConstant = (name: string) => /^(endpoint\.json|run\.json|(code|client)\/.*)$/.test(name);

async function constantsOf(directory: RunDirectory): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const name of (await placesIn(directory)).filter(isConstant)) {
    const found = await stat(directory.at(name)).catch(() => null);
    if (found?.isFile()) contents.set(name, await readFile(directory.at(name), "utf8"));
  }
  return contents;
}

const isOfState = (name: string) => /^(database|journal|epochs)/.test(name);

/** What the next start, or a job that saves, would not find. */
async function lossesIn({ store }: Scheduler, directory: RunDirectory): Promise<string[]> {
  const { seq } = store.position;
  const { model, database } = await recover(directory, wasm);
  database.close();
  const epochs = await readFile(directory.epochs);
  const isBehind = [...model.learners.values()].some(({ id, epoch }) => epochs.readBigUInt64LE(8 * id) < BigInt(epoch));
  return [...(model.run.seq < seq ? ["changes"] : []), ...(isBehind ? ["epochs"] : [])];
}

/** Jobs whose files are lost are nobody's any more: those of the test end with it. */
async function endJobs(study: Study, pids: Set<number>): Promise<void> {
  for (const pid of await study.jobPids()) pids.add(pid);
}

test(
  "each file and folder of the state folder is mended, whatever becomes of it while jobs run",
  { timeout: 300_000 },
  async () => {
    const study = await createStudy(peaks(3, 0.02), { goal: { npoints: 100_000 }, saveEverySeconds: 0.2 });
    await init(study);
    const directory = new RunDirectory(study.folder);
    const [fatal, said, pids] = [[] as unknown[], [] as AdaptiveError[], new Set<number>()];
    const ended = new Promise<void>((resolve) => {
      void Scheduler.serve({
        directory,
        assets: assetsIn(join(programFile, "../..")),
        log: new Log(directory.log),
        port: null,
        ifCopied: "refuse",
        onDidEnd: resolve,
        onFatal: (error) => {
          fatal.push(error);
          throw error;
        },
        onNotice: (notice) => notice && said.push(notice),
      }).then((scheduler) => served(scheduler));
    });
    let served: (scheduler: Scheduler) => void = () => undefined;
    const scheduler = await new Promise<Scheduler>((resolve) => (served = resolve));
    onTestFinished(() => pids.forEach(killTree));
    const { store, upkeep, verbs } = scheduler;
    await verbs.startJobs();
    await store.until(() => store.model.learnerCounts.running === 2);
    await upkeep.look();
    const constants = await constantsOf(directory);
    expect([...constants.keys()]).toEqual(
      expect.arrayContaining(["endpoint.json", "run.json", "code/current", expect.stringMatching(/client.*run\.py$/)]),
    );

    const notMended: string[] = [];
    let cases = 0;
    for (const [turn, [fate, befall]] of Object.entries(fates).entries()) {
      for (const [i, name] of (await placesIn(directory)).entries()) {
        if (isOfPackage(name) && i % Object.keys(fates).length !== turn) continue;
        await endJobs(study, pids);
        const path = directory.at(name);
        const found = await stat(path).catch(() => null);
        if (!found) continue;
        cases++;
        await rm(path, { recursive: true });
        await befall(path, found.isDirectory());
        await upkeep.look();
        // Five in a row that are lost before they asked for a learner would pause the run, as they should.
        if (knowsOfJobs(name)) await store.until(() => store.model.learnerCounts.running === 2);
        if (isOfState(name))
          notMended.push(...(await lossesIn(scheduler, directory)).map((loss) => `${name} ${fate}: ${loss}`));
        const now = await constantsOf(directory);
        for (const [other, content] of constants)
          if (now.get(other) !== content) notMended.push(`${name} ${fate}: ${other}`);
      }
    }
    expect(cases).toBeGreaterThan(100);
    expect(notMended).toEqual([]);
    const endpoint = await readEndpoint(directory.endpoint);
    expect(endpoint && (await ask(endpoint, "status", {}))).toMatchObject({ run: { activity: "active" } });
    await verbs.stopJobs({ gently: false });
    await store.until(() => store.model.liveJobs.size === 0);
    await scheduler.close();
    await ended;
    expect(fatal).toEqual([]);
    // What nobody knows of any more has ended too: it was told that its learner is another's.
    await eventually(() => Promise.resolve([...pids].every((pid) => !isAlive(pid))));
    const last = await study.run("--goal", "npoints=30").ended;
    expect(last).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await study.rows("learners")).map(({ state }) => state)).toEqual(["done", "done", "done"]);
  },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(-pid, 0);
  } catch {
    return false;
  }
}
