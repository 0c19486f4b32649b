import fc from "fast-check";
import { expect, test } from "vitest";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import { WorkerDesk } from "../../../src/scheduler/workers/desk";
import { ProgressBoard } from "../../../src/scheduler/workers/progress";
import { WorkerPeers } from "../../../src/scheduler/workers/workerPeers";
import { createRunOnDisk, openStore } from "./runFixture";

const jobs = ["1_1", "1_2", "1_3"];

async function openPeers(learners: number) {
  const store = await openStore(await createRunOnDisk(learners));
  const submitted = jobs.map((id) => ({ id: asJobId(id), name: `study-${id}` }));
  store.record({ kind: "jobsSubmitted", submission: 1, resourceClass: "default", jobs: submitted });
  const desk = new WorkerDesk(store, new ProgressBoard(store.model), Date.now, {
    givesWay: () => false,
    onDidFree: () => undefined,
    onDidPreview: () => undefined,
    onDidFail: () => undefined,
    onDidRemark: () => undefined,
  });
  const sent: { to: string; message: object }[] = [];
  const peers = new WorkerPeers(store.model, desk, (peer, message) => sent.push({ to: String(peer), message }));
  /** Each process has a connection of its own. */
  const say = (message: Said) => peers.hear(Buffer.from(`${message.job}/${message.instance}`), message);
  return { store, peers, sent, say };
}

type Said = Readonly<Record<string, unknown>> & { job: string; instance: string };

const envelope = {
  v: fc.constant(1),
  job: fc.constantFrom(...jobs, "9_9"),
  restart: fc.nat(1),
  instance: fc.constantFrom("a", "b"),
  n: fc.nat(20),
  host: fc.constant("n1"),
  pid: fc.constant(7),
};
const learner = fc.constantFrom(0, 1, 2, 77_777, Number.MAX_SAFE_INTEGER);
const spoken = { ...envelope, learner, epoch: fc.nat(4), npoints: fc.nat(9), loss: fc.constant(null) };
const start = fc.record({
  ...envelope,
  type: fc.constant("start"),
  resourceClass: fc.constant("default"),
  revision: fc.constant("r1"),
});
const message = fc.oneof(
  { arbitrary: start, weight: 2 },
  fc.record({ ...spoken, type: fc.constantFrom("report", "done") }),
  fc.record({ ...spoken, type: fc.constant("failed"), error: fc.constant("e"), traceback: fc.constant("") }),
  fc.record({ ...spoken, type: fc.constant("released"), why: fc.constantFrom("stopped", "deadline") }),
  // Understood by nobody, but for who it says that it is.
  fc.record({ ...envelope, learner, type: fc.constantFrom("dance", "report") }),
);

test("whatever is said, a learner's wishes go to the newest instance of the job that holds it, and to nobody else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 5, maxLength: 30 }), async (messages) => {
      const { store, peers, say } = await openPeers(3);
      for (const message of messages) {
        await say(message);
        for (const { id, jobId } of store.model.learners.values()) {
          const holder = jobId && `${jobId}/${store.model.job(jobId).instance}`;
          expect(peers.of(id)?.toString() ?? null).toBe(holder);
        }
      }
      peers.wishAll();
      expect(peers.size).toBeLessThanOrEqual(3);
      await store.close();
    }),
    { numRuns: 20 },
  );
});

const from = (job: string, instance: string) => ({ v: 1, job, restart: 0, instance, n: 1, host: "n1", pid: 7 });
const progress = { epoch: 1, npoints: 1, loss: null };

test("who was fenced or not understood gets no wishes; those of the holder reach it", async () => {
  const { peers, sent, say } = await openPeers(1);
  await say({ ...from("1_1", "a"), type: "start", resourceClass: "default", revision: "r1" });
  await say({ ...from("1_2", "stranger"), type: "report", learner: 0, ...progress });
  await say({ ...from("1_1", "stranger"), type: "report", learner: 0, ...progress });
  await say({ ...from("1_3", "stranger"), learner: 0 });
  sent.length = 0;
  peers.wish(asLearnerId(0));
  peers.wish(asLearnerId(77_777));
  peers.wishAll();
  expect(sent.map(({ to }) => to)).toEqual(["1_1/a", "1_1/a"]);
});

test("ids of learners that there are not take no memory, and who is done is forgotten", async () => {
  const { peers, say } = await openPeers(1);
  await say({ ...from("1_1", "a"), type: "start", resourceClass: "default", revision: "r1" });
  for (let id = 0; id < 5_000; id++) await say({ ...from("1_2", "b"), learner: id, type: "report", ...progress });
  expect(peers.size).toBe(1);
  await say({ ...from("1_1", "a"), n: 2, type: "done", learner: 0, ...progress });
  expect(peers.size).toBe(0);
});
