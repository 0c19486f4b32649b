import { expect, test } from "vitest";
import type { RunSession } from "../../../src/remote/runSession";
import { firstChanges } from "../scheduler/runFixture";
import { replicaOf } from "../remote/replicaOf";
import { assigned, done, numbered, submitted, submitting } from "../remote/runHistory";
import type { LearnerVerb } from "../../../src/scheduler/control/learnerVerbs";
import type { Actions } from "../../../src/views/actions";
import { LearnerFilter } from "../../../src/views/learnerFilter";
import { changeListed, listMessage } from "../../../src/views/listedLearners";
import type { ListLook } from "../../../src/views/messages";

/** A session whose learners 0 to 5 have `offset` 0 to 5; 1 is done, 2 runs. */
async function openSession(directory = "/study"): Promise<RunSession> {
  const course = [submitting(2), submitted(2), assigned(1, 0), done(1, 0), assigned(2, 1)];
  const replica = await replicaOf(numbered([...firstChanges(6), ...course]));
  const query: RunSession["query"] = (name, params) => Promise.resolve().then(() => replica.query(name, params));
  return { directory, query } as RunSession;
}

test("each run has a filter of its own, which is only set when its learners can be filtered by it", async () => {
  const session = await openSession();
  const sessions = { active: session as RunSession | null };
  const filter = new LearnerFilter(sessions);
  const heard: string[] = [];
  filter.onDidChange(() => heard.push(filter.text));
  expect(await filter.set(session, " offset>2 ")).toBeNull();
  expect(await filter.set(session, "ofset>2")).toMatch(/no learner has a parameter ofset.*Did you mean offset/);
  expect(await filter.set(session, "offset>")).toContain("a value is missing");
  expect(await filter.set(session, "offset>2")).toBeNull();
  expect([filter.text, heard]).toEqual(["offset>2", ["offset>2"]]);
  sessions.active = await openSession("/other");
  expect(filter.text).toBe("");
  sessions.active = session;
  expect(await filter.set(session, "")).toBeNull();
  expect(heard).toEqual(["offset>2", ""]);
});

const list: ListLook = { state: null, orderBy: "position", descending: true, offset: 0, limit: 2 };

test("the list shows the page that it looks at, of the learners that match", async () => {
  const message = await listMessage(await openSession(), list, "offset>1");
  expect(message).toMatchObject({ total: 4, filter: "offset>1", matching: { waiting: 3, running: 1, done: 0 } });
  expect(message.rows.map(({ id }) => id)).toEqual([5, 4]);
  const running = await listMessage(await openSession(), { ...list, state: "running" }, "offset>1");
  expect([running.total, running.matching.waiting]).toEqual([1, 3]);
});

test.each([
  ["stop", null, "", [0, 2, 3, 4, 5]],
  ["stop", null, "offset>1", [2, 3, 4, 5]],
  ["stop", "waiting", "offset>1", [3, 4, 5]],
  ["reopen", null, "offset>1", []],
  ["reopen", "done", "", [1]],
] as const)("to %s what is listed, in state %s and matching %s, is to change %j", async (verb, state, filter, ids) => {
  const session = await openSession();
  const changed: [LearnerVerb, readonly number[]][] = [];
  const actions: Pick<Actions, "withRun" | "changeLearners"> = {
    withRun: (_, act) => act(session),
    changeLearners: (one, learners) => Promise.resolve(void changed.push([one, learners])),
  };
  await changeListed(actions, verb, { ...list, state }, filter);
  expect(changed).toEqual([[verb, ids]]);
});
