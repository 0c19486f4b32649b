import { expect, test } from "vitest";
import { Series } from "../../../src/scheduler/control/series";
import { Database } from "../../../src/scheduler/state/database";
import { wasm } from "./runFixture";

const sampleAt = (time: number) => ({ time, npoints: time, running: 2, queued: 0, done: 1 });
const timesIn = (database: Database) => database.values("SELECT time FROM series ORDER BY time").map(([time]) => time);

test("the series grows coarser while the run grows longer, and keeps its first and its last sample", async () => {
  const database = await Database.open(null, wasm);
  const series = new Series(database);
  const seconds = 5000;
  for (let i = 0; i < seconds; i++) series.add(sampleAt(1000 * i), database, false);
  series.add(sampleAt(1000 * seconds + 10), database, true);
  const times = timesIn(database);
  expect(times.length).toBeLessThanOrEqual(513);
  expect(times.length).toBeGreaterThan(200);
  expect([times[0], times.at(-1)]).toEqual([0, 1000 * seconds + 10]);
  const again = new Series(database);
  again.add(sampleAt(1000 * seconds + 1010), database, false);
  expect(timesIn(database)).toEqual(times);
  database.close();
});
