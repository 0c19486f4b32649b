import type { Database } from "../state/database";
import type { Model } from "../state/model";
import { isRunning } from "../state/rows";
import type { Sample } from "./protocol";

const maxSamples = 512;
const firstIntervalMs = 1000;

/**
 * The run over time, for plots: a sample a second at first; whenever there are too many, every
 * second one is dropped and the interval doubles. Kept in the database's table `series`.
 */
export class Series {
  private samples: Sample[];

  constructor(database: Database) {
    this.samples = database
      .values("SELECT time, npoints, running, queued, done FROM series ORDER BY time")
      .map(([time, npoints, running, queued, done]) => ({
        time: Number(time),
        npoints: Number(npoints),
        running: Number(running),
        queued: Number(queued),
        done: Number(done),
      }));
  }

  /** @param isLast for one that must not be left out: how it ended */
  add(sample: Sample, database: Database, isLast: boolean): void {
    const last = this.samples.at(-1);
    if (!isLast && last && sample.time - last.time < this.intervalMs()) return;
    this.samples.push(sample);
    insert(database, sample);
    if (this.samples.length <= maxSamples) return;
    this.samples = this.samples.filter((_, i) => i % 2 === 0);
    database.transaction(() => {
      database.run("DELETE FROM series", []);
      for (const kept of this.samples) insert(database, kept);
    });
  }

  /** From the samples themselves, so that it is right after a restart: the gaps of pauses are few and long. */
  private intervalMs(): number {
    const gaps = this.samples.slice(1).map(({ time }, i) => time - (this.samples[i]?.time ?? 0));
    const median = gaps.sort((a, b) => a - b)[gaps.length >> 1] ?? 0;
    const doublings = Math.round(Math.log2(Math.max(median, firstIntervalMs) / firstIntervalMs));
    // A timer that fires a little early must not cost a sample.
    return 0.9 * firstIntervalMs * 2 ** doublings;
  }
}

/** How the run stands. A job that has asked for a learner runs, though the queue may not have been asked since. */
export function sampleOf(model: Model, npoints: number, time: number): Sample {
  let running = 0;
  for (const id of model.liveJobs) if (isRunning(model.job(id))) running++;
  return { time, npoints, running, queued: model.liveJobs.size - running, done: model.learnerCounts.done };
}

function insert(database: Database, { time, npoints, running, queued, done }: Sample): void {
  database.run("INSERT OR REPLACE INTO series (time, npoints, running, queued, done) VALUES (?, ?, ?, ?, ?)", [
    time,
    npoints,
    running,
    queued,
    done,
  ]);
}
