import { expect, test } from "vitest";
import { sampleOf, Series } from "../../../src/scheduler/control/series";
import { Database } from "../../../src/scheduler/state/database";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Model } from "../../../src/scheduler/state/model";
import { asJobId } from "../../../src/scheduler/state/rows";
import { assigned, firstChanges, wasm } from "./runFixture";

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

test("a job that computes is no job that waits, though the queue was not listed since it was submitted", () => {
  const jobs = ["1_1", "1_2"].map((id) => ({ id: asJobId(id), name: `s-${id}` }));
  const submitted: NewChange = { kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs };
  const model = new Model();
  [...firstChanges(3), submitted, assigned("1_1", 0)].forEach((change, i) =>
    model.apply(effects({ ...change, seq: i + 1, time: i })),
  );
  expect(sampleOf(model, 7, 5)).toEqual({ time: 5, npoints: 7, running: 1, queued: 1, done: 0 });
});
