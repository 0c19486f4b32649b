import fc from "fast-check";
import { expect, test } from "vitest";
import { Model } from "../../../src/scheduler/state/model";
import { effects, type NewChange } from "../../../src/scheduler/state/changes";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { assigned, firstChanges } from "./runFixture";

const submitted: NewChange = {
  kind: "jobsSubmitted",
  submission: 1,
  resourceClass: "default",
  jobs: [{ id: asJobId("1_1"), name: "s-1_1" }],
};

test("the points of a run never fall, though a job that replaces another begins with none or goes on from an older save", () => {
  const reports = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 50 })));
  fc.assert(
    fc.property(reports, (reports) => {
      const model = new Model();
      const running = [0, 1, 2].map((id) => assigned("1_1", id));
      [...firstChanges(3), submitted, ...running].forEach((change, i) =>
        model.apply(effects({ ...change, seq: i + 1, time: i })),
      );
      const board = new ProgressBoard(model);
      const most = [0, 0, 0];
      for (const [id, npoints] of reports) {
        const before = board.npoints;
        board.note(model.learner(asLearnerId(id)), { npoints, loss: null });
        most[id] = Math.max(most[id] ?? 0, npoints);
        expect(board.npoints).toBeGreaterThanOrEqual(before);
        expect(board.of(model.learner(asLearnerId(id))).npoints).toBe(npoints);
      }
      expect(board.npoints).toBe(most.reduce((sum, npoints) => sum + npoints, 0));
    }),
  );
});
