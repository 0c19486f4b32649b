import type { LearnerRow } from "../../src/scheduler/state/rows";
import type { WorkerReply } from "../../src/scheduler/workers/messages";

/** What a worker said, and what it was answered. */
export interface Exchange {
  job: string;
  request: { type: string; learner?: number; epoch?: number };
  reply: WorkerReply;
  /** Moments on one scale: when it was first said, and when the answer came. */
  said: number;
  answered: number;
}

export interface Findings {
  acknowledged: number;
  /** Answers that turned out untrue. */
  lost: number;
  /** Learners given to somebody before whoever had it before said a last word. */
  "run twice": number;
}

/** Holds what was acknowledged against what is on disk. */
export function audit(
  exchanges: readonly Exchange[],
  learners: ReadonlyMap<number, LearnerRow>,
  epochs: Buffer,
): Findings {
  let lost = 0;
  let twice = 0;
  const failures = new Map<number, number>();
  const holders = new Map<number, { epoch: number; job: string; since: number }[]>();
  const lastWords = new Map<string, number>();
  for (const { job, request, reply, said, answered } of exchanges) {
    if (reply.type === "assign") {
      const { learner, epoch } = reply;
      const before = holders.get(learner) ?? [];
      holders.set(learner, [...before, { epoch, job, since: answered }]);
      const row = learners.get(learner);
      if (!row || row.epoch < epoch || epochs.readBigUInt64LE(8 * learner) < BigInt(epoch)) lost++;
      continue;
    }
    const { learner, epoch } = request;
    if (learner === undefined || request.type === "report") continue;
    lastWords.set(`${learner} ${epoch}`, said);
    const row = learners.get(learner);
    if (reply.type !== "ok" || !row || (request.type === "done" && !row.isDone)) lost++;
    if (request.type === "failed") failures.set(learner, (failures.get(learner) ?? 0) + 1);
  }
  for (const [learner, count] of failures) if ((learners.get(learner)?.failures ?? 0) < count) lost++;
  for (const [learner, held] of holders) {
    const inOrder = held.sort((a, b) => a.epoch - b.epoch);
    for (const [i, { epoch, since }] of inOrder.entries()) {
      const next = inOrder[i + 1];
      if (next && (next.epoch === epoch || (lastWords.get(`${learner} ${epoch}`) ?? Infinity) > next.since)) twice++;
      if (since === 0) lost++;
    }
  }
  return { acknowledged: exchanges.length, lost, "run twice": twice };
}
