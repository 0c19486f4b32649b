import { expect, test } from "vitest";
import { asLearnerId, type LearnerRow } from "../../src/scheduler/state/rows";
import type { WorkerReply } from "../../src/scheduler/workers/messages";
import { learnerRow } from "../unit/views/rows";
import { audit, type Exchange } from "./ledger";

const v = 1;
const n = 1;
const wish = { stop: null, preview: false, reportEverySeconds: 1 };
const ok: WorkerReply = { v, n, type: "ok", wish };

function assigned(job: string, epoch: number, answered: number): Exchange {
  const given = {
    index: 0,
    fname: "a",
    goal: null,
    retries: 0,
    saveEverySeconds: 300,
    npoints: 0,
    loss: null,
    dataframe: null,
    wish,
  };
  const reply: WorkerReply = { v, n, type: "assign", learner: 0, epoch, ...given };
  return { job, request: { type: "start" }, reply, said: answered - 1, answered };
}
const said = (type: string, epoch: number, moment: number, reply: WorkerReply = ok): Exchange => {
  return { job: "j", request: { type, learner: 0, epoch }, reply, said: moment, answered: moment + 1 };
};

/** The audit must be able to fail: each of these is a promise broken. */
test.each<[string, Exchange[], Partial<LearnerRow>, number, object]>([
  ["all is well", [assigned("a", 1, 2), said("done", 1, 3)], { epoch: 1, isDone: 1 }, 1, { lost: 0, "run twice": 0 }],
  ["a done was forgotten", [assigned("a", 1, 2), said("done", 1, 3)], { epoch: 1 }, 1, { lost: 1 }],
  ["a failure was forgotten", [assigned("a", 1, 2), said("failed", 1, 3)], { epoch: 1 }, 1, { lost: 1 }],
  ["an assignment was forgotten", [assigned("a", 2, 2)], { epoch: 1 }, 2, { lost: 1 }],
  ["the file of epochs lags behind", [assigned("a", 2, 2)], { epoch: 2 }, 1, { lost: 1 }],
  [
    "a holder was fenced",
    [assigned("a", 1, 2), said("done", 1, 3, { v, n, type: "fenced", why: "" })],
    { epoch: 1, isDone: 1 },
    1,
    { lost: 1 },
  ],
  [
    "two have it at once",
    [assigned("a", 1, 2), assigned("b", 2, 4), said("failed", 1, 6)],
    { epoch: 2, failures: 1 },
    2,
    { "run twice": 1 },
  ],
  ["two have it in one epoch", [assigned("a", 1, 2), assigned("b", 1, 4)], { epoch: 1 }, 1, { "run twice": 1 }],
  [
    "one after the other",
    [assigned("a", 1, 2), said("failed", 1, 3), assigned("b", 2, 8)],
    { epoch: 2, failures: 1 },
    2,
    { lost: 0, "run twice": 0 },
  ],
])("%s", (_, exchanges, row, epoch, findings) => {
  const epochs = Buffer.alloc(8);
  epochs.writeBigUInt64LE(BigInt(epoch));
  expect(audit(exchanges, new Map([[asLearnerId(0), learnerRow(0, row)]]), epochs)).toMatchObject(findings);
});
