import fc from "fast-check";
import { expect, test } from "vitest";
import { Model } from "../../../src/scheduler/state/model";
import { effects } from "../../../src/scheduler/state/changes";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { firstChanges } from "./runFixture";

test("the points of a run never fall, though a job that replaces another begins with none or goes on from an older save", () => {
  const reports = fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 50 })));
  fc.assert(
    fc.property(reports, (reports) => {
      const model = new Model();
      firstChanges(3).forEach((change, i) => model.apply(effects({ ...change, seq: i + 1, time: i })));
      const board = new ProgressBoard(model);
      const most = [0, 0, 0];
      for (const [id, npoints] of reports) {
        const before = board.npoints;
        board.note(asLearnerId(id), model.learner(asLearnerId(id)), { npoints, loss: null });
        most[id] = Math.max(most[id] ?? 0, npoints);
        expect(board.npoints).toBeGreaterThanOrEqual(before);
        expect(board.of(asLearnerId(id), { npoints: -1 }).npoints).toBe(npoints);
      }
      expect(board.npoints).toBe(most.reduce((sum, npoints) => sum + npoints, 0));
    }),
  );
});
