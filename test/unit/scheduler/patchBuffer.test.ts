import * as fc from "fast-check";
import { expect, test } from "vitest";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import { PatchBuffer } from "../../../src/scheduler/state/patchBuffer";
import { asJobId, asLearnerId, type RowPatch } from "../../../src/scheduler/state/rows";
import { firstChanges, wasm } from "./runFixture";

const learner = fc.integer({ min: 0, max: 2 }).map(asLearnerId);
const job = fc.constantFrom("1_1", "1_2").map(asJobId);
const change: fc.Arbitrary<NewChange> = fc.oneof(
  fc.record({ kind: fc.constant("learnersStopping" as const), learners: fc.array(learner) }),
  fc.record({
    kind: fc.constant("learnerDone" as const),
    learner,
    job,
    requestNumber: fc.nat(),
    npoints: fc.nat(),
    loss: fc.constant(0.5),
  }),
  fc.record({
    kind: fc.constant("jobDismissed" as const),
    job,
    restart: fc.nat(),
    instance: fc.string(),
    requestNumber: fc.nat(),
    host: fc.string(),
    why: fc.string(),
  }),
  fc.record({ kind: fc.constant("codeRevised" as const), revision: fc.string(), versions: fc.string() }),
);
const submitted: NewChange = {
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: ["1_1", "1_2"].map((id) => ({ id: asJobId(id), name: id })),
};

test("a database says the same of patches that were brought together as of all of them", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change), async (later) => {
      const patches = [...firstChanges(3), submitted, ...later].map((change, i) =>
        effects({ ...change, seq: i, time: i }),
      );
      const buffer = new PatchBuffer();
      for (const of of patches) buffer.add(of);
      const all = await rowsAfter(patches.flat());
      expect(await rowsAfter(buffer.take())).toEqual(all);
      expect(buffer.take()).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test("a row that changes often is written once", () => {
  const buffer = new PatchBuffer();
  for (let seq = 1; seq <= 9; seq++) buffer.add([{ table: "run", set: { seq } }]);
  expect(buffer.take()).toEqual([{ table: "run", set: { seq: 9 } }]);
});

async function rowsAfter(patches: readonly RowPatch[]) {
  const database = await Database.open(null, wasm);
  database.apply(patches);
  const rows = (["run", "learners", "jobs", "submissions"] as const).map((table) =>
    database.rows(table, "ORDER BY rowid"),
  );
  database.close();
  return rows;
}
