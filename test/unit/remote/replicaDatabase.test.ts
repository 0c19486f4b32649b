import fc from "fast-check";
import initSqlJs from "sql.js";
import { describe, expect, test } from "vitest";
import type { LearnerQuery } from "../../../src/remote/replica/queries";
import { maxSamples, ReplicaDatabase } from "../../../src/remote/replica/replicaDatabase";
import type { NewChange } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import {
  asJobId,
  asLearnerId,
  columns,
  type LearnerRow,
  learnerStates,
  type LearnerState,
  type RowPatch,
} from "../../../src/scheduler/state/rows";
import { firstChanges, wasm } from "../scheduler/runFixture";
import { databaseOf, replicaOf } from "./replicaOf";
import { assigned, done, ended, histories, numbered, observed, submitted, submitting } from "./runHistory";

const everything = { orderBy: "id", descending: false, offset: 0, limit: 1000 } as const;

function stateOf(replica: ReplicaDatabase): object {
  const { rows } = replica.query("learners", everything);
  const { run } = replica.query("overview", null);
  return { run, rows, jobs: new Set(replica.query("jobs", { limit: 1000 }).map(({ learner: _, ...job }) => job)) };
}

describe("a replica", () => {
  test("fed by a snapshot and the changes behind it holds what all changes make", async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), fc.nat(), fc.nat(3), async (changes, at, next, overlap) => {
        // The run, its settings, its code and its learners are always in a snapshot.
        const cut = 4 + (at % (changes.length - 3));
        const second = cut + (next % (changes.length - cut + 1));
        const whole = await databaseOf(changes);
        const replica = await replicaOf(changes.slice(0, cut));
        replica.applyChanges(changes.slice(cut - overlap, second));
        replica.applyChanges(changes.slice(second - overlap));
        const recounted = await ReplicaDatabase.open(whole.export(), wasm);
        expect(replica.query("overview", null)).toEqual(recounted.query("overview", null));
        recounted.close();
        expect(stateOf(replica)).toEqual({
          run: whole.rows("run")[0],
          rows: whole.rows("learners", "ORDER BY id"),
          jobs: new Set(whole.rows("jobs")),
        });
        replica.close();
        whole.close();
      }),
      { numRuns: 60 },
    );
  });

  test("refuses changes after a gap and stays as it was", async () => {
    const changes = numbered([...firstChanges(3), submitting(1), submitted(1), assigned(0, 0), done(0, 0)]);
    const replica = await replicaOf(changes.slice(0, 4));
    const before = stateOf(replica);
    expect(() => replica.applyChanges(changes.slice(5))).toThrow("Change 5 is missing: 6 came");
    expect(() => replica.applyChanges([...changes.slice(4, 6), ...changes.slice(7)])).toThrow("Change 7 is missing");
    expect(stateOf(replica)).toEqual(before);
    replica.applyChanges(changes.slice(4));
    expect(replica.seq).toBe(8);
  });

  test("takes in the latest progress", async () => {
    const replica = await replicaOf(numbered(firstChanges(3)));
    const sample = { time: 5, npoints: 12, running: 1, queued: 0, done: 0 };
    replica.applyProgress({ time: 5, learners: [1, 2], npoints: [5, 7], loss: [0.5, null], sample });
    expect(replica.query("learner", { id: asLearnerId(1) })).toMatchObject({ npoints: 5, loss: 0.5 });
    expect(replica.query("learner", { id: asLearnerId(2) })).toMatchObject({ npoints: 7, loss: null });
    expect(replica.query("learner", { id: asLearnerId(9) })).toBeNull();
    expect(replica.query("overview", null).npoints).toBe(12);
    expect(replica.query("series", null)).toEqual([sample]);
  });

  test("keeps a bounded number of samples, among them the first and the newest", async () => {
    const replica = await replicaOf(numbered(firstChanges(1)));
    for (let time = 1; time <= 3 * maxSamples; time++) {
      const sample = { time, npoints: time, running: 0, queued: 0, done: 0 };
      replica.applyProgress({ time, learners: [], npoints: [], loss: [], sample });
      const times = replica.query("series", null).map((kept) => kept.time);
      expect(times.length).toBeLessThanOrEqual(maxSamples);
      expect([times[0], times.at(-1)]).toEqual([1, time]);
    }
  });
});

describe("queries", () => {
  test("count learners and jobs by state", async () => {
    const replica = await replicaOf(
      numbered([
        ...firstChanges(5),
        submitting(3),
        submitted(3),
        observed(0),
        assigned(2, 0),
        assigned(3, 1),
        done(3, 1),
        ended(1),
      ]),
    );
    expect(replica.query("overview", null)).toMatchObject({
      run: { runId: "test-run", seq: 11 },
      learners: { waiting: 3, running: 1, done: 1, failed: 0, stopped: 0, blocked: 0, removed: 0 },
      jobs: { submitted: 1, queued: 0, running: 1, ended: 1 },
      npoints: 100,
    });
  });

  const queries: fc.Arbitrary<LearnerQuery> = fc.record(
    {
      states: fc.uniqueArray(fc.constantFrom(...learnerStates)),
      orderBy: fc.constantFrom(...(Object.keys(columns.learners) as (keyof LearnerRow)[])),
      descending: fc.boolean(),
      offset: fc.nat(12),
      limit: fc.nat(12),
    },
    { requiredKeys: ["orderBy", "descending", "offset", "limit"] },
  );

  test("page, order and filter learners as sorting all rows would", async () => {
    await fc.assert(
      fc.asyncProperty(histories, queries, async (changes, query) => {
        const replica = await replicaOf(changes);
        const all = (await databaseOf(changes)).rows("learners");
        const wanted = all.filter(({ state }) => query.states?.includes(state) ?? true);
        const orderBy = query.orderBy as keyof LearnerRow;
        const sorted = wanted.sort((a, b) => compare(a[orderBy], b[orderBy]) || compare(a.id, b.id));
        if (query.descending) sorted.reverse();
        // What is blank is last in either direction.
        sorted.sort((a, b) => Number(a[orderBy] === null) - Number(b[orderBy] === null));
        expect(replica.query("learners", query)).toEqual({
          total: wanted.length,
          offset: query.offset,
          rows: sorted.slice(query.offset, query.offset + query.limit),
        });
        replica.close();
      }),
      { numRuns: 60 },
    );
  });

  test("order by nothing but a learner's columns, and filter by nothing but its states", async () => {
    const replica = await replicaOf(numbered(firstChanges(2)));
    const orderBy = "id; DROP TABLE learners" as keyof LearnerRow;
    expect(() => replica.query("learners", { ...everything, orderBy })).toThrow("cannot be ordered by");
    const states = ["waiting' OR '1'='1" as LearnerState];
    expect(replica.query("learners", { ...everything, states })).toEqual({ total: 0, offset: 0, rows: [] });
  });

  test("list jobs with their learners: the living first, then the newest ended ones", async () => {
    const course: NewChange[] = [submitting(4), submitted(4), assigned(1, 2), ended(0), ended(3)];
    const replica = await replicaOf(numbered([...firstChanges(2), ...course]));
    const names = (limit: number) => replica.query("jobs", { limit }).map(({ jobId }) => jobId);
    expect(names(10)).toEqual(["job-1", "job-2", "job-3", "job-0"]);
    expect(names(3)).toEqual(["job-1", "job-2", "job-3"]);
    expect(names(1)).toEqual(["job-1"]);
    const held = replica.query("jobs", { limit: 2 }).map(({ jobId, learner }) => ({ jobId, learner }));
    expect(held).toEqual([
      { jobId: asJobId("job-1"), learner: null },
      { jobId: asJobId("job-2"), learner: { id: 1, combo: '{"offset":1}', fname: "data/1", npoints: 0 } },
    ]);
  });
});

/** As SQLite orders values of one column: null first, then numbers or text. */
function compare(a: string | number | null, b: string | number | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

test("a change of a host cannot bring words of its own into a query", async () => {
  const database = await Database.open(null, wasm);
  const set = { ["name = (SELECT hex(randomblob(9))), remark"]: "x" };
  expect(() => database.apply([{ table: "run", set } as RowPatch])).toThrow("There is no column");
  database.close();
});

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT";

test.each([
  [
    "a view without end in place of a table",
    `ALTER TABLE jobs RENAME TO kept; CREATE VIEW jobs AS ${endless} kept.* FROM n, kept`,
  ],
  [
    "a trigger without end",
    `CREATE TRIGGER t AFTER UPDATE ON learners BEGIN SELECT count(*) FROM (${endless} i FROM n); END`,
  ],
  ["a table of its own", "CREATE TABLE more (x)"],
  ["an index that computes", "CREATE INDEX more ON learners (hex(zeroblob(id)))"],
  ["a table too few", "DROP TABLE series"],
  ["no run", "DELETE FROM run"],
])("a snapshot with %s is refused, and nothing in it runs", async (_, sql) => {
  const honest = await databaseOf(numbered(firstChanges(3)));
  const { Database: Sqlite } = await initSqlJs({ wasmBinary: wasm.slice().buffer });
  const hostile = new Sqlite(honest.export());
  honest.close();
  hostile.exec(sql);
  await expect(ReplicaDatabase.open(hostile.export(), wasm)).rejects.toMatchObject({ code: "bad-snapshot" });
  hostile.close();
});

test("a snapshot whose pages lead to the same page again and again is refused, not followed", async () => {
  const honest = await databaseOf(numbered(firstChanges(3000)));
  const bytes = honest.export();
  const [root] = honest.values("SELECT rootpage FROM sqlite_master WHERE name = 'learners'").flat().map(Number);
  honest.close();
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const page = view.subarray((Number(root) - 1) * view.readUInt16BE(16));
  // An inner page of a table: each of its cells begins with the number of the page that it leads to.
  expect(page[0]).toBe(5);
  const [first, second] = [page.readUInt16BE(12), page.readUInt16BE(14)];
  page.writeUInt32BE(page.readUInt32BE(first), second);
  await expect(ReplicaDatabase.open(bytes, wasm)).rejects.toMatchObject({ code: "bad-snapshot" });
});
