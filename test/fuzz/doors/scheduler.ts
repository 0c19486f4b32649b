/** What workers and people's clients send to a scheduler, over its socket. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { Clients, type Commands } from "../../../src/scheduler/control/clients";
import { openDealer } from "../../../src/scheduler/control/dealer";
import { localCluster } from "../../../src/scheduler/clusters/local";
import { DroppedInputs } from "../../../src/scheduler/droppedInputs";
import { Failures } from "../../../src/scheduler/jobs/failures";
import { JobFiles } from "../../../src/scheduler/jobs/jobFiles";
import { jobShell, knownJob } from "../../../src/scheduler/jobShell";
import { effects, type Change, type NewChange } from "../../../src/scheduler/state/changes";
import { maxMessageBytes } from "../../../src/scheduler/state/bounds";
import { createFolders, createState } from "../../../src/scheduler/state/createState";
import { Database } from "../../../src/scheduler/state/database";
import { mergeSettings } from "../../../src/scheduler/state/layers";
import { asJobId, asLearnerId, type LearnerId } from "../../../src/scheduler/state/rows";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { Store, systemWorld } from "../../../src/scheduler/state/store";
import type { Trial } from "../../../src/scheduler/state/trial";
import { remarkOnData } from "../../../src/scheduler/study/missingData";
import { StudyUpdates } from "../../../src/scheduler/study/updates";
import { tryLearners } from "../../../src/scheduler/trials";
import { Verbs } from "../../../src/scheduler/verbs";
import { WorkerDesk } from "../../../src/scheduler/workers/desk";
import { Door } from "../../../src/scheduler/workers/door";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { WorkerPeers } from "../../../src/scheduler/workers/workerPeers";
import { spoilt, type FuzzedDoor } from "../door";
import { nearlyJson } from "../nearly";

export const wasm = (): Promise<Buffer> =>
  readFile(createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm"));

const { settings } = mergeSettings({ typed: {}, study: {}, profile: {} }, { cores: 2, queue: "local" });
export const learners = Array.from({ length: 3 }, (_, i) => ({
  ...{ id: asLearnerId(i), position: i, fname: `data/${i}`, combo: `{"offset":${i}}`, type: "Learner1D" },
  ...{ bounds: null, resourceClass: "default" },
}));
export const firstChanges: readonly NewChange[] = [
  {
    ...{ kind: "runCreated", runId: "test-run", name: "study", cluster: "local", learnersFile: "_learners.py" },
    ...{ directory: "/study", inode: 1 },
  },
  { kind: "runConfigured", settings: JSON.stringify(settings), origins: "{}" },
  { kind: "codeRevised", revision: "r1", versions: "{}" },
  { kind: "learnersAdded", learners },
  { kind: "jobsSubmitting", submission: 1, resourceClass: "default", count: 2, tries: null },
  {
    ...{ kind: "jobsSubmitted", submission: 1, resourceClass: "default" },
    jobs: ["1_1", "1_2"].map((id) => ({ id: asJobId(id), name: `study-${id}` })),
  },
];

export const numbered = (changes: readonly NewChange[]): Change[] =>
  changes.map((change, i) => ({ ...change, seq: i + 1, time: i }));

/** A run's database after its first changes. */
export async function exported(code: Uint8Array): Promise<Buffer> {
  const database = await Database.open(null, code);
  database.apply(numbered(firstChanges).flatMap(effects));
  const bytes = Buffer.from(database.export());
  database.close();
  return bytes;
}

export function openStore(directory: RunDirectory, code: Uint8Array): Promise<Store> {
  const fail = (error: unknown): never => {
    throw error;
  };
  const world = {
    ...systemWorld,
    confirmOwnership: () => Promise.resolve(),
    onDiskFull: () => undefined,
    onFatal: fail,
  };
  return Store.open(directory, code, { host: "head", pid: 1, version: "0" }, world);
}

export async function createRun(folder: string): Promise<{ directory: RunDirectory; code: Uint8Array }> {
  const [directory, code] = [new RunDirectory(folder), await wasm()];
  await createFolders(directory);
  await createState(directory, firstChanges, code, 0);
  return { directory, code };
}

const from = { v: 1, job: "1_1", restart: 0, instance: "a", n: 1, host: "n1", pid: 7 };
const progress = { learner: 0, epoch: 1, npoints: 5, loss: 0.5 };
const line = { kind: "line", npoints: 3, x: [0, 1], y: [[0, null]], xLabel: "x", yLabel: "y", bounds: [0, 1] };
export const workerMessages: readonly object[] = [
  { ...from, type: "start", resourceClass: "default", revision: "r1", versions: { python: "3.11.2" } },
  { ...from, type: "report", ...progress, preview: { ...line, errors: null, facts: [{ label: "a", text: "b" }] } },
  { ...from, type: "done", ...progress },
  { ...from, type: "failed", ...progress, error: "e", traceback: "t" },
  { ...from, type: "released", ...progress, why: "learners-changed", detail: "d" },
  { ...from, type: "remark", learner: 0, epoch: 1, text: "t" },
  {
    ...{ ...from, type: "tried" },
    trials: [{ learner: 0, point: "1", value: "2", seconds: 1, megabytes: 2, error: null, traceback: null }],
  },
];

const position = { runId: "test-run", incarnation: 1, seq: 3 };
const requests: readonly [method: string, params: object][] = [
  ["attach", { protocol: 1, position }],
  ["attach", { protocol: 1, position: null }],
  ["snapshot/read", { offset: 0 }],
  ["watch", { learners: [0, 1] }],
  ["configure", { settings: JSON.stringify(settings), origins: '{"goal":"typed"}' }],
  ["stopJobs", { gently: true }],
  ["retryLearners", { learners: [0, 1, 2] }],
  ["stopLearners", { learners: [0] }],
  ["reopenLearners", { learners: [2] }],
  ["listJobs", {}],
  ["cancelJobs", { jobs: ["1_1", "1_[2]"] }],
  ["findLearners", { names: ["data/*", "1"], states: ["done"], where: "offset>0 name~'x'" }],
  ["failedLearners", { where: "" }],
  ["missedGoals", {}],
  ["checkData", {}],
  ["failure", { learner: 0 }],
  ["jobOutput", { job: "1_1", maxBytes: 100 }],
  ["jobShell", { job: "1_1" }],
  ["updateStudy", { revision: "r" }],
  ["startJobs", {}],
  ["pauseJobs", {}],
  ["tryLearners", { learners: [0, 1] }],
  ["studyEdits", {}],
  ["compareStudy", {}],
  ["shutDown", { ifUnused: true }],
];
export const clientMessages = requests.map(([method, params]) => ({ jsonrpc: "2.0", id: 1, method, params }));

/** Stands in an answer by an error that is not in words. */
export const unforeseen = '"code":"unexpected"';

let triedAt = 0;
const trialNow = (): Trial => ({
  ...{ at: ++triedAt, job: "1_1", point: "0", value: "1" },
  ...{ seconds: 1, megabytes: 1, error: null, traceback: null },
});

/** The whole way from a frame to its answer: no queue and no Python is asked. */
const socket: FuzzedDoor = {
  name: "socket",
  inputs: nearlyJson([
    ...workerMessages,
    ...clientMessages,
    { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: 1 } },
  ]),
  open: async (folder) => {
    const { directory, code } = await createRun(folder);
    const store = await openStore(directory, code);
    const door = await Door.open("tcp://127.0.0.1:*");
    const dropped = new DroppedInputs(() => undefined, Date.now);
    const desk = new WorkerDesk(store, new ProgressBoard(store.model), Date.now, {
      ...{ givesWay: () => false, onDidFree: () => undefined, onDidPreview: () => undefined },
      ...{ onDidRemark: () => undefined, onDidFail: () => undefined },
    });
    const workers = new WorkerPeers(store.model, desk, (peer, message) => door.send(peer, message));
    const files = new JobFiles(directory.jobs, store.model);
    const failures = new Failures(directory.at("failures"), (job, maxBytes) => files.tail(job, maxBytes), Date.now);
    const updates = new StudyUpdates({
      ...{ store, client: folder, wasm: code },
      ...{ wish: () => undefined, onDidUpdate: () => undefined },
    });
    const loop = {
      poke: () => undefined,
      cancel: () => Promise.resolve(),
      // No job is told of: they are tried at once.
      try: (tried: readonly LearnerId[]) => {
        store.record({ kind: "pointsTried", learners: tried, trials: tried.map(() => JSON.stringify(trialNow())) });
        return Promise.resolve();
      },
    };
    const verbs = new Verbs({
      ...{ store, loop },
      wish: (learner) => (learner === undefined ? workers.wishAll() : workers.wish(learner)),
      ...{ onDidChangeActivity: () => undefined, check: () => Promise.resolve(), onDidConfigure: () => undefined },
    });
    const commands: Commands = {
      ...verbs,
      status: () => Promise.reject(new AdaptiveError("not-here", "Who serves is not known.")),
      shutDown: () => ({ ends: false }),
      jobShell: ({ job }) => jobShell(job, store.model, localCluster(directory.jobs, "study")),
      jobOutput: ({ job, maxBytes }) => files.tail(knownJob(job, store.model).jobId, maxBytes),
      tryLearners: ({ learners }) => tryLearners(learners, store, loop),
      checkData: async () => ({ remark: await remarkOnData(directory.path, store.model) }),
      failure: ({ learner }) => failures.of(learner),
      studyEdits: () => updates.edits(),
      compareStudy: () => updates.compare(),
      updateStudy: async ({ revision }) => {
        await updates.update(revision);
        return null;
      },
    };
    const clients = new Clients({
      ...{ store, commands, now: Date.now },
      send: (name, message) => door.send(Buffer.from(name, "hex"), message),
      onDidWatch: (watched) => desk.watch(watched).forEach((learner) => workers.wish(learner)),
      onWillAttach: () => undefined,
    });
    const broken: unknown[] = [];
    const guarded = (work: Promise<unknown>) => void work.catch((error: unknown) => broken.push(error));
    const serving = door.serve(
      (peer, message) => {
        if ("jsonrpc" in message) guarded(clients.receive(peer.toString("hex"), message));
        else guarded(workers.hear(peer, message));
      },
      () => dropped.note("the socket", "no JSON object in one frame"),
    );
    guarded(serving);
    const address = { host: "head", pid: 1, urls: [`tcp://127.0.0.1:${door.port}`], ...door.keys };
    const dealer = openDealer(address);
    let asked = 0;
    const feed = async (input: Buffer): Promise<void> => {
      if (input.length > maxMessageBytes) return;
      await dealer.send(input);
      const id = `the ${++asked}. behind it`;
      await dealer.send(JSON.stringify({ jsonrpc: "2.0", id, method: "ping" }));
      await dealer.send(
        JSON.stringify({ ...from, n: asked, job: "nobody's", type: "remark", learner: 0, epoch: 0, text: id }),
      );
      const awaited = new Set([`"id":"${id}"`, `"n":${asked},"type":"error","code":"unknown-job"`]);
      while (awaited.size > 0) {
        const [frame] = await dealer.receive();
        if (frame?.includes(unforeseen)) throw spoilt(`it is answered ${frame.toString().slice(0, 300)}`);
        for (const answer of awaited) if (frame?.includes(answer)) awaited.delete(answer);
      }
      if (broken.length > 0) throw new Error("A message broke its handler", { cause: broken[0] });
    };
    const close = async (): Promise<void> => {
      dealer.close();
      await door.close();
      await store.close();
    };
    return { feed, close };
  },
};

export const schedulerDoors: readonly FuzzedDoor[] = [socket];
