import type { Progress, Sample } from "../../scheduler/control/protocol";
import { type Change, effects } from "../../scheduler/state/changes";
import { Database } from "../../scheduler/state/database";
import { AdaptiveError } from "../../scheduler/state/errors";
import { jobStates, type JobState, type LearnerRow, type RowPatch, type RunRow } from "../../scheduler/state/rows";
import { LearnerList } from "./learnerList";
import type { JobView, Overview, QueryName, ReplicaQueries } from "./queries";

/** Samples kept for the plots over time. */
export const maxSamples = 512;

/** The editor's copy of a run's database, fed by a snapshot and the changes behind it. */
export class ReplicaDatabase {
  private readonly list: LearnerList;

  private constructor(private readonly database: Database) {
    database.run("CREATE INDEX replica_jobs_by_end ON jobs (state, ended_at)", []);
    this.list = new LearnerList(database);
    this.thinSeries();
  }

  /**
   * @param snapshot an SQLite file as the scheduler exports it
   * @param wasm the code of sql.js
   * @throws AdaptiveError `bad-snapshot` for a file of other tables, or with views and triggers: a query would run them
   */
  static async open(snapshot: Uint8Array, wasm: Uint8Array): Promise<ReplicaDatabase> {
    const database = await Database.open(snapshot, wasm);
    try {
      if (database.hasOwnSchema() && database.isSound()) return new ReplicaDatabase(database);
    } catch (cause) {
      database.close();
      if (cause instanceof AdaptiveError) throw cause;
      throw new AdaptiveError("bad-snapshot", "The run's database that was sent cannot be read", "", { cause });
    }
    database.close();
    throw new AdaptiveError(
      "bad-snapshot",
      "The run's database does not have the tables that this version of Adaptive Scheduler writes",
      "Use the same version of Adaptive Scheduler here and for the run's scheduler.",
    );
  }

  /** The number of the newest change that is in. */
  get seq(): number {
    return this.run().seq;
  }

  /**
   * Applies changes in one transaction; those that are in already are passed over.
   * @throws AdaptiveError `gap` when changes are missing in between, `unknown-message` when one is none; nothing is
   *   applied then
   */
  applyChanges(changes: readonly Change[]): void {
    const fresh = changesAfter(this.seq, changes);
    if (fresh.length > 0) understanding("changes", () => this.apply(fresh.flatMap(effects)));
  }

  applyProgress(progress: Progress): void {
    understanding("numbers", () => this.takeIn(progress));
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
    learners: (query) => this.list.page(query),
    learnerIds: (choice) => this.list.ids(choice),
    learnersCsv: (order) => this.list.csv(order),
    matches: ({ filter }) => this.list.matches(filter),
    parameters: () => this.list.parameterNames,
    learner: ({ id }) => this.list.rows([id])[0] ?? null,
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
    return { run: this.run(), learners: { ...this.list.totals.learners }, jobs, npoints: this.list.totals.npoints };
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
    const held = this.list.rows(living.flatMap((job) => job.learnerId ?? []));
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

  private takeIn({ learners, npoints, loss, sample }: Progress): void {
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

  private apply(patches: readonly RowPatch[]): void {
    this.list.follow(patches, () => this.database.apply(patches));
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

/** What passes for a change may be none inside, where a host has put anything; how it fails then tells a person nothing. */
function understanding(what: string, act: () => void): void {
  try {
    act();
  } catch (cause) {
    if (cause instanceof AdaptiveError) throw cause;
    throw new AdaptiveError("unknown-message", `The scheduler sent ${what} that were not understood`, "", { cause });
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
