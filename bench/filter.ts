/**
 * How long the replica of a run of 100 000 learners takes to filter them, to give a page of those
 * that match or are sorted by a parameter, and to take in progress meanwhile.
 *
 *   npm run bench:filter
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { LearnerQuery } from "../src/remote/replica/queries";
import { ReplicaDatabase } from "../src/remote/replica/replicaDatabase";
import { effects, type NewChange } from "../src/scheduler/state/changes";
import { Database } from "../src/scheduler/state/database";
import { asLearnerId } from "../src/scheduler/state/rows";

const count = 100_000;
const reporting = 1000;
const repeats = 20;

/** In this order, for the first that names a parameter makes its column. */
const filters = [
  "offset>0.5",
  "offset>0.9",
  "loss>1e-2",
  "offset>0.5 width=0.1",
  "name~rk",
  "offset=0.123 state=done",
  "12345",
];

const learners = Array.from({ length: count }, (_, i) => ({
  id: asLearnerId(i),
  position: i,
  fname: `data/${i}.pickle`,
  combo: JSON.stringify({ offset: i / count, width: (i % 10) / 10, k: i % 200, name: i % 2 ? "RK45" : "Euler" }),
  type: "Learner1D",
  bounds: null,
  resourceClass: "default",
}));
const ids = learners.map(({ id }) => id);
const some = (each: (i: number) => number): number[] => learners.map((_, i) => each(i));
const course: NewChange[] = [
  { kind: "runCreated", runId: "r", name: "s", cluster: "local", learnersFile: "f", directory: "/s", inode: 1 },
  { kind: "learnersAdded", learners },
  { kind: "learnersMoved", learners: ids.filter((id) => id % 3 === 0), state: "stopped", reason: "for the bench" },
  {
    kind: "progressNoted",
    learners: ids,
    npoints: some((i) => i % 997),
    loss: some((i) => ((i * 7919) % count) / count),
  },
];

async function open(): Promise<ReplicaDatabase> {
  const wasm = await readFile(resolve("node_modules/sql.js/dist/sql-wasm.wasm"));
  const database = await Database.open(null, wasm);
  database.apply(course.flatMap((change, i) => effects({ ...change, seq: i + 1, time: i })));
  const snapshot = database.export();
  database.close();
  return ReplicaDatabase.open(snapshot, wasm);
}

/** The time of each of several calls in milliseconds, the middle one of them. */
function medianMs(act: (i: number) => void, times = repeats): string {
  const taken = Array.from({ length: times }, (_, i) => {
    const startedMs = performance.now();
    act(i);
    return performance.now() - startedMs;
  });
  return (taken.sort((a, b) => a - b)[times >> 1] ?? 0).toFixed(1).padStart(8);
}

async function main(): Promise<void> {
  const replica = await open();
  const query: LearnerQuery = { orderBy: "loss", descending: true, offset: 0, limit: 60 };
  let time = 0;
  const report = (): void => {
    const reports = ids.slice(0, reporting);
    const sample = { time: ++time, npoints: 0, running: 0, queued: 0, done: 0 };
    const loss = reports.map((i) => ((i + time) % 100) / 100);
    replica.applyProgress({ time, learners: reports, npoints: reports.map(() => time), loss, sample });
  };
  replica.query("learners", query); // makes the index of the order
  console.log(`${count} learners, milliseconds; progress is that of ${reporting} learners\n`);
  console.log(`${"filter".padEnd(26)}matches     set    page  deep page  progress`);
  for (const filter of ["", ...filters]) {
    const page = { ...query, filter };
    const set = medianMs(() => replica.query("learners", page), 1);
    const { total } = replica.query("learners", page);
    const deep = { ...page, offset: Math.floor(0.9 * total) };
    const cells = [
      filter.padEnd(26),
      String(total).padStart(7),
      set,
      medianMs(() => replica.query("learners", page)),
      medianMs(() => replica.query("learners", deep)).padStart(11),
      medianMs(report).padStart(10),
    ];
    console.log(cells.join(""));
  }
  console.log(`\n${"sorted by".padEnd(26)}             set    page  deep page`);
  for (const orderBy of ["loss", "parameter:offset", "parameter:name", "parameter:none"] as const) {
    const page = { ...query, orderBy, filter: "" };
    const first = medianMs(() => replica.query("learners", page), 1);
    const deep = { ...page, offset: 0.9 * count };
    const pages = [page, deep].map((one) => medianMs(() => replica.query("learners", one)));
    console.log([orderBy.padEnd(33), first, pages[0], pages[1]?.padStart(11)].join(""));
  }
}

void main();
