/** What lies in a run's state folder, and in the home directory: others may have put anything there. */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openDealer } from "../../../src/scheduler/control/dealer";
import { Failures } from "../../../src/scheduler/jobs/failures";
import { howItEnded } from "../../../src/scheduler/jobs/evidence";
import { JobFiles } from "../../../src/scheduler/jobs/jobFiles";
import { emptyOutbox } from "../../../src/scheduler/jobs/outbox";
import type { NewChange } from "../../../src/scheduler/state/changes";
import { encodeLine } from "../../../src/scheduler/state/journal";
import { RunLock } from "../../../src/scheduler/state/lock";
import { nameOfJournal, recover } from "../../../src/scheduler/state/recovery";
import { registeredRuns } from "../../../src/scheduler/state/registry";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { WorkerDesk } from "../../../src/scheduler/workers/desk";
import { readEndpoint } from "../../../src/scheduler/workers/endpoint";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { inWords, spoilt, type FuzzedDoor } from "../door";
import { nearlyBytes, nearlyJson, nearlyText } from "../nearly";
import { createRun, exported, firstChanges, learners, numbered, openStore, wasm, workerMessages } from "./scheduler";

/** A file of a run's state: what is wrong in it is said, and once it is put back the run is served. */
function stateDoor(
  name: string,
  fileOf: (run: { directory: RunDirectory; journal: string }) => string,
  samples: readonly Buffer[],
): FuzzedDoor {
  return {
    name,
    inputs: nearlyBytes(samples),
    open: async (folder) => {
      const { directory, code } = await createRun(folder);
      const file = fileOf({ directory, journal: nameOfJournal(1, firstChanges.length + 1) });
      const good = await readFile(file).catch(() => null);
      const feed = async (input: Buffer): Promise<void> => {
        await writeFile(file, input);
        const recovered = await inWords(() => recover(directory, code));
        if (!(recovered instanceof Error)) recovered.database.close();
        await (good === null ? rm(file) : writeFile(file, good));
        const { model, database } = await recover(directory, code);
        database.close();
        if (model.learners.size !== learners.length) throw spoilt("learners are missing");
      };
      return { feed, close: () => Promise.resolve() };
    },
  };
}

const runFile: FuzzedDoor = {
  name: "run.json",
  inputs: nearlyJson([
    { version: 1, runId: "r", name: "n", study: "/s/_learners.py", cluster: "local", created: "2026-01-01T00:00:00Z" },
  ]),
  open: async (folder) => {
    const { directory } = await createRun(folder);
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(directory.runFile, input);
      await inWords(() => directory.readRunFile());
    };
    return { feed, close: () => Promise.resolve() };
  },
};

const owner = {
  host: "elsewhere",
  bootId: "b",
  pid: 1,
  pidStart: "1",
  nonce: "n",
  inode: 5,
  beat: 0,
  isReleased: true,
};
const lock: FuzzedDoor = {
  name: "lock",
  inputs: nearlyJson([owner, { ...owner, isReleased: false }]),
  open: async (folder) => {
    const { directory } = await createRun(folder);
    let number = 0;
    const feed = async (input: Buffer): Promise<void> => {
      const held = await RunLock.acquire(directory.lock, { sleep: () => Promise.resolve(), silenceMs: 0 });
      await held.release();
      number++;
      await writeFile(`${directory.lock}/${number}/owner.json`, input);
      const taken = await inWords(() =>
        RunLock.acquire(directory.lock, { sleep: () => Promise.resolve(), silenceMs: 0 }),
      );
      if (taken instanceof Error) throw spoilt(taken.message);
      await taken.release();
      number++;
    };
    return { feed, close: () => Promise.resolve() };
  },
};

const after: readonly NewChange[] = [
  ...firstChanges,
  { kind: "learnerRemarked", learner: asLearnerId(0), remark: "kept aside" },
  { kind: "learnersMoved", learners: [asLearnerId(1)], state: "stopped", reason: "stopped by a person" },
];
const journalLines = numbered(after)
  .slice(firstChanges.length)
  .map((change) => encodeLine(change));
const journal = stateDoor("journal", ({ directory, journal }) => directory.at(journal), [
  Buffer.from(journalLines.join("")),
]);
const database = stateDoor("database", ({ directory }) => directory.database, [await exported(await wasm())]);

const outbox: FuzzedDoor = {
  name: "outbox",
  inputs: nearlyJson(workerMessages),
  open: async (folder) => {
    const { directory, code } = await createRun(folder);
    const store = await openStore(directory, code);
    const desk = new WorkerDesk(store, new ProgressBoard(store.model), Date.now, {
      ...{ givesWay: () => false, onDidFree: () => undefined, onDidPreview: () => undefined },
      ...{ onDidRemark: () => undefined, onDidFail: () => undefined },
    });
    const good = join(directory.outbox, "z-1.json");
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(join(directory.outbox, "a-1.json"), input);
      await writeFile(good, JSON.stringify(workerMessages[0]));
      const aside: string[] = [];
      await emptyOutbox(
        directory,
        (message) => desk.takeIn(message),
        (path) => aside.push(path),
      );
      if (aside.includes(`${good}.bad`)) throw spoilt("what is right is set aside");
      const left = (await readdir(directory.outbox)).map((name) => join(directory.outbox, name));
      if (left.some((path) => !aside.includes(path))) throw spoilt(`the outbox still holds ${left.join(", ")}`);
      await Promise.all(left.map((path) => rm(path)));
    };
    return { feed, close: () => store.close() };
  },
};

const keys = {
  ...{
    serverKey: "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    clientPublicKey: "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
  },
  clientSecretKey: "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
};
const endpoint: FuzzedDoor = {
  name: "endpoint.json",
  inputs: nearlyJson([
    { version: 1, incarnation: 3, host: "head1", pid: 4711, urls: ["tcp://127.0.0.1:9", "tcp://10.0.0.1:9"], ...keys },
  ]),
  open: async (folder) => {
    const { directory } = await createRun(folder);
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(directory.endpoint, input);
      const read = await readEndpoint(directory.endpoint);
      // What passes for an endpoint is one: each of its addresses can be dialled.
      for (const url of read?.urls ?? []) openDealer({ ...read, urls: [url] } as never).close();
    };
    return { feed, close: () => Promise.resolve() };
  },
};

const failed = { job: "1_1", at: 1, error: "e", traceback: "t" };
const failures: FuzzedDoor = {
  name: "failures",
  inputs: nearlyJson([
    { ...failed, output: "o", earlier: null },
    { ...failed, traceback: null, output: "", earlier: failed },
  ]),
  open: async (folder) => {
    const errors: unknown[] = [];
    const tail = () => Promise.resolve({ text: "printed" });
    const kept = new Failures(folder, tail, (error) => errors.push(error));
    const [learner, job] = [asLearnerId(0), asJobId("1_2")];
    const released: NewChange = {
      ...{ kind: "learnerReleased", learner, job, requestNumber: null, how: "failed", state: "waiting", reason: "r" },
      ...{ failures: 1, fruitlessJobs: 0, error: "died", npoints: 0, loss: null },
    };
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(join(folder, "0.json"), input);
      await inWords(() => kept.of(learner));
      kept.takeIn(numbered([released]));
      const newest = await kept.of(learner);
      if (errors.length > 0) throw new Error("A failure could not be kept", { cause: errors[0] });
      if (newest?.job !== job) throw spoilt("the newest failure is not kept");
    };
    return { feed, close: () => kept.close() };
  },
};

/** In a home directory of its own, for as long as it is open. */
const registry: FuzzedDoor = {
  name: "registry",
  inputs: nearlyJson([{ state: "/study/.adaptive", name: "study", created: "2026-01-01T00:00:00Z" }]),
  open: async (folder) => {
    const { HOME: home } = process.env;
    process.env["HOME"] = folder;
    const runs = join(folder, ".adaptive-scheduler", "runs");
    await mkdir(runs, { recursive: true });
    await writeFile(join(runs, "good.json"), JSON.stringify({ state: folder, name: "n", created: "2026" }));
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(join(runs, "a.json"), input);
      const found = await registeredRuns();
      if (!found.some(({ runId }) => runId === "good")) throw spoilt("another run is missing");
      for (const { directory } of found) await directory.hasRun();
    };
    const close = (): Promise<void> => {
      if (home === undefined) delete process.env["HOME"];
      else process.env["HOME"] = home;
      return Promise.resolve();
    };
    return { feed, close };
  },
};

const jobEnd: FuzzedDoor = {
  name: "job-end",
  inputs: nearlyText(["0\n", "137 2 USR1 TERM\n", "1 0\n"], ["USR1", "TERM", "1e3", "0x10", "Infinity", "-9", "2.5"]),
  open: async (folder) => {
    const { directory, code } = await createRun(folder);
    const { model, database } = await recover(directory, code);
    database.close();
    const files = new JobFiles(directory.jobs, model);
    const job = model.job(asJobId("1_1"));
    const feed = async (input: Buffer): Promise<void> => {
      await writeFile(join(directory.jobs, "1_1.end"), input);
      const own = await files.ownEnd(job);
      const { exitCode, words } = howItEnded(job, { own, told: null, walltimeSeconds: 60, now: 1000 });
      const isCode = exitCode === null || (Number.isSafeInteger(exitCode) && exitCode >= 0 && exitCode < 256);
      if (!isCode || words.length > 200) throw spoilt(`its job ${words} with ${exitCode}`);
    };
    return { feed, close: () => Promise.resolve() };
  },
};

export const stateDoors: readonly FuzzedDoor[] = [
  ...[runFile, lock, journal, database, outbox, endpoint, failures, registry, jobEnd],
];
