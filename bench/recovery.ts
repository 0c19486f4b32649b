/**
 * What a run of 100 000 learners costs whoever reads its state: a scheduler that starts, with and
 * without a long journal, and `status` without a scheduler; beside SQLite's own reading of the same
 * rows, and the parsing of the same lines.
 *
 *   npm run bench:recovery
 */
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import type { NewChange } from "../src/scheduler/state/changes";
import { Database } from "../src/scheduler/state/database";
import { Journal } from "../src/scheduler/state/journal";
import { nameOfJournal, readModel, recover } from "../src/scheduler/state/recovery";
import { asJobId, asLearnerId } from "../src/scheduler/state/rows";
import { RunDirectory } from "../src/scheduler/state/runDirectory";
import { createRun, openStore } from "./benchRun";

const learners = 100_000;
const endedJobs = 90_000;
const root = resolve(__dirname, "../..");

/** What is measured, each in a process of its own. */
const tasks = {
  /** The limit of what reads the snapshot. */
  rows: async (directory: RunDirectory) => {
    const database = await Database.open(await readFile(directory.database), await wasm());
    for (const table of ["learners", "jobs"]) database.values(`SELECT * FROM ${table}`);
  },
  /** The limit of what reads the journal. */
  lines: async (directory: RunDirectory) => {
    const text = await readFile(directory.at(journalName), "utf8");
    for (const line of text.trimEnd().split("\n")) JSON.parse(line);
  },
  recover: async (directory: RunDirectory) => {
    await recover(directory, await wasm());
  },
  look: async (directory: RunDirectory) => {
    await readModel(directory, await wasm());
  },
};
type Task = keyof typeof tasks;

const journalName = nameOfJournal(1, 2 + 4);

const wasm = async () => new Uint8Array(await readFile(resolve(root, "node_modules/sql.js/dist/sql-wasm.wasm")));

interface Cost {
  /** Of a core, from the start of the process. */
  seconds: number;
  residentMB: number;
}

async function cost(directory: RunDirectory, task: Task): Promise<Cost> {
  const { stdout } = await promisify(execFile)(process.execPath, [__filename, task, directory.path]);
  return JSON.parse(stdout) as Cost;
}

async function measure(directory: RunDirectory, task: Task): Promise<void> {
  await tasks[task](directory);
  const { user, system } = process.cpuUsage();
  const seconds = (user + system) / 1e6;
  const residentMB = process.resourceUsage().maxRSS / 1000;
  console.log(JSON.stringify({ seconds, residentMB }));
}

/** All learners are given to a job and done, one after the other. */
async function writeJournal(directory: RunDirectory): Promise<void> {
  const journal = new Journal(journalName, await directory.disk.open(directory.at(journalName), "ax"));
  const job = asJobId("1_1");
  for (let first = 0; first < learners; first += 1000) {
    const changes = Array.from({ length: 1000 }, (_, i): NewChange[] => {
      const learner = asLearnerId(first + i);
      const request = { job, restart: 0, instance: "0123456789abcdef", instances: 1, host: "node17" };
      const requestNumber = 2 * (first + i);
      return [
        {
          kind: "learnerAssigned",
          learner,
          epoch: 1,
          revision: "0123456789ab",
          requestNumber,
          npointsBefore: 0,
          ...request,
        },
        { kind: "learnerDone", learner, job, requestNumber: requestNumber + 1, npoints: 1000, loss: 0.01 },
      ];
    }).flat();
    await journal.append(changes.map((change, i) => ({ ...change, seq: 6 + 2 * first + i, time: Date.now() })));
  }
  await journal.close();
}

/** Most learners are done, each in a job of its own that has ended. */
async function wear(directory: RunDirectory): Promise<void> {
  const store = await openStore(directory, await wasm());
  for (let first = 0; first < endedJobs; first += 1000) {
    const ids = Array.from({ length: 1000 }, (_, i) => first + i);
    const submission = 2 + first / 1000;
    const jobOf = (id: number) => asJobId(`${4_711_000 + submission}_${(id % 1000) + 1}`);
    const jobs = ids.map((id) => ({ id: jobOf(id), name: `bench-${submission}_${(id % 1000) + 1}` }));
    store.record({ kind: "jobsSubmitting", submission, resourceClass: "default", count: 1000, tries: null });
    store.record({ kind: "jobsSubmitted", submission, resourceClass: "default", jobs });
    for (const id of ids) {
      const [learner, job, nth] = [asLearnerId(id), jobOf(id), String(id).padStart(8, "0")];
      const request = { job, restart: 0, instance: `${nth}89abcdef`, instances: 1, host: `node${id % 97}` };
      const revision = "0123456789abcdef";
      store.record({
        kind: "learnerAssigned",
        learner,
        epoch: 1,
        revision,
        requestNumber: 1,
        npointsBefore: 0,
        ...request,
      });
      const end = { exitCode: 0, ending: "exit", reason: "nothing was left to do", deathsBeforeStart: 0 } as const;
      store.record({ kind: "learnerDone", learner, job, requestNumber: 2, npoints: 1000 + id, loss: 1 / (id + 3) });
      store.record({ kind: "jobEnded", job, ...end });
    }
    await store.synced();
  }
  await store.close();
}

async function main(): Promise<void> {
  const directory = await createRun(learners, 2, await wasm());
  try {
    const rows = await cost(directory, "rows");
    show("reading the rows", rows);
    show("a scheduler's start", await cost(directory, "recover"), rows);
    show("status without one", await cost(directory, "look"), rows);
    await writeJournal(directory);
    const lines = await cost(directory, "lines");
    show("parsing 200 000 lines", lines);
    show("a start with these", await cost(directory, "recover"), { ...rows, seconds: rows.seconds + lines.seconds });
  } finally {
    await rm(directory.path, { recursive: true, force: true });
  }
  await measureWorn();
}

async function measureWorn(): Promise<void> {
  const directory = await createRun(learners, 2, await wasm());
  try {
    await wear(directory);
    const rows = await cost(directory, "rows");
    show("rows with 90 000 jobs", rows);
    show("a start with these", await cost(directory, "recover"), rows);
    show("status without one", await cost(directory, "look"), rows);
  } finally {
    await rm(directory.path, { recursive: true, force: true });
  }
}

function show(what: string, { seconds, residentMB }: Cost, peer?: Cost): void {
  const ratio = peer ? `${(seconds / peer.seconds).toFixed(1)} times` : "";
  console.log(
    `${what.padEnd(24)} ${seconds.toFixed(2).padStart(6)} s ${residentMB.toFixed(0).padStart(5)} MB  ${ratio}`,
  );
}

const [task, path] = process.argv.slice(2);
void (path === undefined ? main() : measure(new RunDirectory(path), task as Task));
