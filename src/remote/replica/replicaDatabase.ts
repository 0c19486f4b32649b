import type { Progress, Sample } from "../../scheduler/control/protocol";
import { type Change, effects } from "../../scheduler/state/changes";
import { Database, toSnakeCase } from "../../scheduler/state/database";
import { AdaptiveError } from "../../scheduler/state/errors";
import {
  columns,
  jobStates,
  type JobState,
  learnerStates,
  type LearnerRow,
  type LearnerState,
  type RowPatch,
  type RunRow,
} from "../../scheduler/state/rows";
import type { JobView, LearnerQuery, Overview, Page, QueryName, ReplicaQueries } from "./queries";

/** Samples kept for the plots over time. */
export const maxSamples = 512;

/** Of the learners. */
type Totals = Pick<Overview, "learners" | "npoints">;

/** The editor's copy of a run's database, fed by a snapshot and the changes behind it. */
export class ReplicaDatabase {
  private readonly indexed = new Set<keyof LearnerRow>();
  /** Kept along with every change: counting 100 000 rows for each look would take longer than all else. */
  private readonly totals: Totals;

  private constructor(private readonly database: Database) {
    database.run("CREATE INDEX replica_jobs_by_end ON jobs (state, ended_at)", []);
    this.totals = this.totalsOf("");
    this.thinSeries();
  }

  /**
   * @param snapshot an SQLite file as the scheduler exports it
   * @param wasm the code of sql.js
   */
  static async open(snapshot: Uint8Array, wasm: Uint8Array): Promise<ReplicaDatabase> {
    return new ReplicaDatabase(await Database.open(snapshot, wasm));
  }

  /** The number of the newest change that is in. */
  get seq(): number {
    return this.run().seq;
  }

  /**
   * Applies changes in one transaction; those that are in already are passed over.
   * @throws AdaptiveError `gap` when changes are missing in between; nothing is applied then
   */
  applyChanges(changes: readonly Change[]): void {
    const fresh = changesAfter(this.seq, changes);
    if (fresh.length > 0) this.apply(fresh.flatMap(effects));
  }

  applyProgress({ learners, npoints, loss, sample }: Progress): void {
    this.apply(
      learners.map((id, i) => ({
        table: "learners",
        key: id as LearnerRow["id"],
        set: { npoints: npoints[i] ?? 0, loss: loss[i] ?? null },
      })),
    );
    this.database.run("INSERT OR REPLACE INTO series (time, npoints, running, queued, done) VALUES (?, ?, ?, ?, ?)", [
      sample.time,
      sample.npoints,
      sample.running,
      sample.queued,
      sample.done,
    ]);
    this.thinSeries();
  }

  query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): ReplicaQueries[Q]["result"] {
    return this.queries[name](params);
  }

  close(): void {
    this.database.close();
  }

  private readonly queries: {
    [Q in QueryName]: (params: ReplicaQueries[Q]["params"]) => ReplicaQueries[Q]["result"];
  } = {
    overview: () => this.overview(),
    learners: (query) => this.learners(query),
    learner: ({ id }) => this.database.rows("learners", "WHERE id = ?", [id])[0] ?? null,
    jobs: ({ limit }) => this.jobs(limit),
    series: () => this.series(),
  };

  private run(): RunRow {
    const [run] = this.database.rows("run");
    if (run === undefined) throw new AdaptiveError("bad-snapshot", "The run's database does not say which run it is");
    return run;
  }

  private overview(): Overview {
    const jobs = zeros(jobStates);
    for (const [state, count] of this.database.values("SELECT state, count(*) FROM jobs GROUP BY state")) {
      jobs[state as JobState] = Number(count);
    }
    return { run: this.run(), learners: { ...this.totals.learners }, jobs, npoints: this.totals.npoints };
  }

  private learners({ states = learnerStates, orderBy, descending, offset, limit }: LearnerQuery): Page<LearnerRow> {
    this.index(orderBy);
    const column = toSnakeCase(orderBy);
    const wanted = learnerStates.filter((state) => states.includes(state) && this.totals.learners[state] > 0);
    const direction = descending ? "DESC" : "ASC";
    // One branch per state: SQLite merges them, each read in order from its index, and sorts nothing.
    const branches = wanted.map((state) => `SELECT ${column}, id FROM learners WHERE state = '${state}'`);
    if (branches.length === 0) return { total: 0, offset, rows: [] };
    const ids = this.database
      .values(`${branches.join(" UNION ALL ")} ORDER BY 1 ${direction}, 2 ${direction} LIMIT ? OFFSET ?`, [
        limit,
        offset,
      ])
      .map(([, id]) => id);
    const rowOf = new Map(this.learnersById(ids).map((row) => [row.id as unknown, row]));
    const total = wanted.reduce((sum, state) => sum + this.totals.learners[state], 0);
    return { total, offset, rows: ids.flatMap((id) => rowOf.get(id) ?? []) };
  }

  private jobs(limit: number): JobView[] {
    const living = this.database.rows(
      "jobs",
      "WHERE state IN ('submitted', 'queued', 'running') ORDER BY submitted_at, rowid LIMIT ?",
      [limit],
    );
    const ended = this.database.rows("jobs", "WHERE state = 'ended' ORDER BY ended_at DESC, rowid DESC LIMIT ?", [
      limit - living.length,
    ]);
    const held = this.learnersById(living.map((job) => job.learnerId));
    const learnerOf = new Map(held.map(({ id, combo, fname, npoints }) => [id, { id, combo, fname, npoints }]));
    return [...living, ...ended].map((job) => ({
      ...job,
      learner: job.learnerId === null ? null : (learnerOf.get(job.learnerId) ?? null),
    }));
  }

  private series(): Sample[] {
    return this.database
      .values("SELECT time, npoints, running, queued, done FROM series ORDER BY time")
      .map((row) => row.map(Number))
      .map(([time = 0, npoints = 0, running = 0, queued = 0, done = 0]) => ({ time, npoints, running, queued, done }));
  }

  private apply(patches: readonly RowPatch[]): void {
    const ids = JSON.stringify(patches.flatMap((patch) => (patch.table === "learners" ? [patch.key] : [])));
    const among = "WHERE id IN (SELECT value FROM json_each(?))";
    const before = this.totalsOf(among, [ids]);
    this.database.apply(patches);
    const after = this.totalsOf(among, [ids]);
    for (const state of learnerStates) this.totals.learners[state] += after.learners[state] - before.learners[state];
    this.totals.npoints += after.npoints - before.npoints;
  }

  private totalsOf(where: string, values: string[] = []): Totals {
    const totals: Totals = { learners: zeros(learnerStates), npoints: 0 };
    const query = `SELECT state, count(*), sum(npoints) FROM learners ${where} GROUP BY state`;
    for (const [state, count, npoints] of this.database.values(query, values)) {
      totals.learners[state as LearnerState] = Number(count);
      totals.npoints += Number(npoints);
    }
    return totals;
  }

  private learnersById(ids: readonly unknown[]): LearnerRow[] {
    return this.database.rows("learners", "WHERE id IN (SELECT value FROM json_each(?))", [JSON.stringify(ids)]);
  }

  /** Makes the index that a first look at an order needs; also the check that the order is a column of a learner. */
  private index(orderBy: keyof LearnerRow): void {
    if (this.indexed.has(orderBy)) return;
    if (!Object.hasOwn(columns.learners, orderBy)) {
      throw new AdaptiveError("bad-query", `Learners cannot be ordered by ${orderBy}`);
    }
    const column = toSnakeCase(orderBy);
    this.database.run(`CREATE INDEX replica_learners_by_${column} ON learners (state, ${column}, id)`, []);
    this.indexed.add(orderBy);
  }

  /** Halves the samples while there are too many: the past grows coarser, its ends stay. */
  private thinSeries(): void {
    const count = (): number => Number(this.database.values("SELECT count(*) FROM series")[0]?.[0]);
    while (count() > maxSamples) {
      this.database.run(
        `DELETE FROM series WHERE time IN (
           SELECT time FROM (SELECT time, row_number() OVER (ORDER BY time) AS n, count(*) OVER () AS total FROM series)
           WHERE n % 2 = 0 AND n < total)`,
        [],
      );
    }
  }
}

/** The changes that follow `seq`. */
function changesAfter(seq: number, changes: readonly Change[]): Change[] {
  const fresh = changes.filter((change) => change.seq > seq);
  fresh.forEach((change, i) => {
    if (change.seq === seq + 1 + i) return;
    throw new AdaptiveError("gap", `Change ${seq + 1 + i} is missing: ${change.seq} came`);
  });
  return fresh;
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
