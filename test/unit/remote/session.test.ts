import { describe, expect, onTestFinished, test } from "vitest";
import { afterFailure, type Link, transition } from "../../../src/remote/link";
import { canAsk } from "../../../src/remote/link";
import { Session } from "../../../src/remote/session";
import { learnerVerbs } from "../../../src/scheduler/control/learnerVerbs";
import { effects } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import { asJobId, asLearnerId } from "../../../src/scheduler/state/rows";
import type { Preview } from "../../../src/scheduler/workers/messages";
import { firstChanges, wasm } from "../scheduler/runFixture";
import { Emitter } from "../../../src/remote/event";
import { FakeClock } from "./fakeClock";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { FakeScheduler, ReplicaHere } from "./fakeScheduler";
import { assigned, done, submitted, submitting } from "./runHistory";

const preview: Preview = {
  kind: "line",
  x: [0, 1],
  y: [[0, 1]],
  xLabel: "x",
  yLabel: "y",
  bounds: [0, 1],
  npoints: 2,
  facts: [],
  errors: null,
};

function open(
  scheduler = new FakeScheduler([...firstChanges(4), submitting(1), submitted(1)]),
  refusal: ((isAsked: boolean) => Error | null) | null = null,
) {
  const clock = new FakeClock();
  const replica = new ReplicaHere();
  const log: string[] = [];
  const [awoken, wayOpened] = [new Emitter<void>(), new Emitter<void>()];
  /** Of each attempt, whether a person was there to be asked; and what each is refused with. */
  const way = { asked: [] as boolean[], refusal };
  const session = new Session("/run", {
    reach: ({ isAsked }) => {
      way.asked.push(isAsked);
      const refusal = way.refusal?.(isAsked);
      if (refusal) return Promise.reject(refusal);
      return Promise.resolve({ transport: scheduler, program: { argv: ["scheduler"], env: {} }, path: "/run" });
    },
    onDidAwake: awoken.event,
    onDidOpenWay: wayOpened.event,
    replica,
    clock,
    random: () => 0,
    log: (line) => log.push(line),
  });
  onTestFinished(() => session.dispose());
  const links: Link[] = [];
  session.onDidChangeLink((link) => links.push(link));
  /** Resolves when the link is, or comes to be, like this. */
  const linked = (at: Link["at"]) =>
    new Promise<Link>((resolve) => {
      if (session.link.at === at) resolve(session.link);
      const listening = session.onDidChangeLink((link) => {
        if (link.at !== at) return;
        listening.dispose();
        resolve(link);
      });
    });
  /** Waits for the other side: streams and the replica take a few turns of the event loop. */
  const settled = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
  };
  const seq = async () => (await session.query("overview", null)).run.seq;
  const mirrors = () => settled(async () => (await seq()) === scheduler.changes.length);
  return { scheduler, clock, replica, session, log, links, linked, settled, mirrors, way, awoken, wayOpened };
}

/** The scheduler cannot be reached any more: the session tries, and waits longer each time. */
async function failFourTimes({ scheduler, clock, linked }: ReturnType<typeof open>): Promise<void> {
  scheduler.isReachable = false;
  scheduler.end();
  await linked("retrying");
  for (const delayMs of [1000, 2000, 4000]) {
    clock.advance(delayMs);
    await linked("connecting");
    await linked("retrying");
  }
}

async function expectMirrored({ scheduler, session, mirrors }: ReturnType<typeof open>): Promise<void> {
  await mirrors();
  const whole = await Database.open(null, wasm);
  whole.apply(scheduler.changes.flatMap(effects));
  const query = { orderBy: "id", descending: false, offset: 0, limit: 100 } as const;
  expect((await session.query("learners", query)).rows).toEqual(whole.rows("learners", "ORDER BY id"));
  expect((await session.query("overview", null)).run).toEqual(whole.rows("run")[0]);
  whole.close();
}

/** The scheduler says that it ends, is heard to the end, and is gone. */
async function endsInPeace({ scheduler, session, linked, settled }: ReturnType<typeof open>): Promise<void> {
  await linked("online");
  scheduler.send("closing", null);
  scheduler.send("notice", { code: "x", message: "heard too", hint: "" });
  await settled(() => session.notice !== null);
  scheduler.isReachable = false;
  scheduler.end(2);
}

describe("a session", () => {
  test("mirrors the run from a snapshot and the changes behind it", async () => {
    const opened = open();
    await opened.linked("online");
    expect(opened.links.map(({ at }) => at)).toEqual(["connecting", "online"]);
    await expectMirrored(opened);
    opened.scheduler.record(assigned(0, 0), done(0, 0));
    await expectMirrored(opened);
    expect(opened.scheduler.attachedAt).toEqual([null]);
  });

  test("holds back what happens while it reads the snapshot", async () => {
    const opened = open();
    let epoch = 0;
    opened.scheduler.onSnapshotRead = () => opened.scheduler.record(assigned(1, 0, ++epoch));
    await opened.linked("online");
    expect(epoch).toBeGreaterThan(1);
    await expectMirrored(opened);
  });

  test("continues from its position with the same scheduler", async () => {
    const opened = open();
    const { scheduler, clock, linked } = opened;
    await linked("online");
    await opened.mirrors();
    scheduler.end();
    await expect(linked("retrying")).resolves.toMatchObject({ attempt: 1, nextInMs: 1000, why: "The scheduler ended" });
    scheduler.record(assigned(0, 0), done(0, 0));
    clock.advance(1000);
    await linked("online");
    await expectMirrored(opened);
    expect(scheduler.attachedAt).toEqual([null, { runId: "test-run", incarnation: 1, seq: 6 }]);
  });

  test("after a scheduler that ended in peace, only looks for another one, until a person starts jobs", async () => {
    const opened = open();
    const { scheduler, session, clock, linked, settled, links } = opened;
    await endsInPeace(opened);
    await expect(linked("offline")).resolves.toMatchObject({ why: "the scheduler has ended" });
    const steps = links.length;
    clock.advance(1000);
    await settled(() => scheduler.mightStart.length === 2);
    expect(links).toHaveLength(steps);
    expect((await session.query("overview", null)).learners.waiting).toBe(4);
    Object.assign(scheduler, { isReachable: true, incarnation: 2 });
    await session.startJobs();
    expect(scheduler.asked).toEqual(["startJobs"]);
    expect(scheduler.mightStart.slice(0, 2)).toEqual([true, false]);
    expect(scheduler.mightStart.at(-1)).toBe(true);
  });

  test("after a scheduler that ended in peace, a person may act or connect, which starts another one", async () => {
    const opened = open();
    const { scheduler, session, linked } = opened;
    await endsInPeace(opened);
    await linked("offline");
    expect(canAsk(session.link)).toBe(true);
    Object.assign(scheduler, { isReachable: true, incarnation: 2 });
    await session.reconnect();
    expect(session.link).toEqual({ at: "online" });
    expect([scheduler.mightStart.at(-1), scheduler.asked]).toEqual([true, []]);
    expect(canAsk({ at: "offline", since: new Date(0), why: "copied", isCopied: true })).toBe(false);
  });

  test("of a copied run, starts nothing until somebody has said what it is, and says why at once", async () => {
    const { scheduler, session, clock, linked, settled } = open();
    await linked("online");
    scheduler.refusal = new AdaptiveError("copied-run", "The run in /copy is a copy of the one in /a.");
    scheduler.end(2);
    await linked("retrying");
    clock.advance(1000);
    await expect(linked("offline")).resolves.toMatchObject({ why: scheduler.refusal.message, isCopied: true });
    await expect(session.startJobs()).rejects.toMatchObject({ code: "copied-run" });
    const attempts = scheduler.mightStart.length;
    Object.assign(scheduler, { refusal: null, incarnation: 2 });
    clock.advance(60_000);
    await settled(() => session.link.at === "online");
    expect(scheduler.mightStart.slice(attempts)).toEqual([false]);
  });

  test("takes a snapshot from another incarnation, with nothing lost or doubled", async () => {
    const opened = open();
    const { scheduler, clock, linked } = opened;
    await linked("online");
    scheduler.record(assigned(2, 0));
    scheduler.end(2);
    await linked("retrying");
    scheduler.incarnation = 2;
    scheduler.record(done(2, 0), assigned(3, 0, 2));
    clock.advance(1000);
    await linked("online");
    await expectMirrored(opened);
  });

  test.each([
    ["a change is missing", (scheduler: FakeScheduler) => void scheduler.changes.push(...gap(scheduler))],
    [
      "a change is of an unknown kind",
      (scheduler: FakeScheduler) => {
        const change = { seq: 7, time: 0, kind: "universeEnded" } as unknown as FakeScheduler["changes"][number];
        scheduler.send("changes", { incarnation: 1, changes: [change] });
      },
    ],
    [
      "another incarnation speaks",
      (scheduler: FakeScheduler) => {
        scheduler.incarnation = 2;
        scheduler.record(assigned(0, 0));
      },
    ],
  ])("starts over when %s", async (_, spoil) => {
    const opened = open();
    await opened.linked("online");
    spoil(opened.scheduler);
    opened.scheduler.record(assigned(1, 0));
    await opened.linked("retrying");
    opened.clock.advance(1000);
    await opened.linked("online");
    expect(opened.scheduler.attachedAt).toEqual([null, null]);
    await expectMirrored(opened);
  });

  test("waits longer and longer while it cannot connect, and goes on mirroring after", async () => {
    const opened = open();
    const { scheduler, clock, linked, links } = opened;
    await linked("online");
    await failFourTimes(opened);
    const delays = links.flatMap((link) => (link.at === "retrying" ? [link.nextInMs] : []));
    expect(delays).toEqual([1000, 2000, 4000, 8000]);
    scheduler.isReachable = true;
    clock.advance(8000);
    await linked("online");
    await expectMirrored(opened);
  });

  test("connects anew when a ping is not answered", async () => {
    const { scheduler, clock, linked, settled, session } = open();
    await linked("online");
    const lastWordAt = clock.now();
    scheduler.answersPings = false;
    clock.advance(10_000);
    await settled(() => clock.waiting > 0);
    clock.advance(15_000);
    const why = "The scheduler (ping) did not answer within 15 s";
    await expect(linked("retrying")).resolves.toMatchObject({ why, lastWordAt });
    expect(session.link.at).toBe("retrying");
  });

  test("passes on requests; one made between attempts connects at once", async () => {
    const { scheduler, linked, session } = open();
    await session.startJobs();
    for (const verb of learnerVerbs) {
      expect(await session.changeLearners(verb, [asLearnerId(1), asLearnerId(2)])).toBe(2);
    }
    expect(await session.jobOutput(asJobId("job-0"))).toEqual({ text: "output of job-0", truncated: false });
    scheduler.end();
    await linked("retrying");
    await session.stopJobs();
    expect(scheduler.asked).toEqual(["startJobs", "retryLearners", "stopLearners", "reopenLearners", "stopJobs"]);
  });

  test("says why a request could not be made", async () => {
    const scheduler = new FakeScheduler(firstChanges(1));
    scheduler.isReachable = false;
    const { session, clock, linked } = open(scheduler);
    await linked("retrying");
    const asking = session.startJobs();
    await linked("connecting");
    await linked("retrying");
    clock.advance(60_000);
    await expect(asking).rejects.toMatchObject({ code: "offline", message: "no route" });
  });

  test("watches again after a reconnect, and gives the last data of a learner at once", async () => {
    const { scheduler, session, clock, linked, settled } = open();
    const previews: [number, number][] = [];
    session.onDidPreview(({ learner, preview }) => previews.push([learner, preview.npoints]));
    await linked("online");
    session.watch([asLearnerId(3)]);
    await settled(() => scheduler.watched.length === 2);
    scheduler.send("preview", { learner: 3, preview });
    await settled(() => previews.length === 1);
    session.watch([]);
    session.watch([asLearnerId(3)]);
    expect(previews).toEqual([
      [3, 2],
      [3, 2],
    ]);
    await settled(() => scheduler.watched.length === 4);
    scheduler.end();
    await linked("retrying");
    clock.advance(1000);
    await linked("online");
    expect(scheduler.watched).toEqual([[], [3], [], [3], [3]]);
  });

  test("tells of changes at most ten times a second, and of a notice", async () => {
    const opened = open();
    const { scheduler, session, clock, linked, settled } = opened;
    let told = 0;
    session.onDidChange(() => told++);
    await linked("online");
    await opened.mirrors();
    clock.advance(100);
    const before = told;
    for (let i = 1; i <= 50; i++) scheduler.record(assigned(0, 0, i));
    await opened.mirrors();
    expect(told).toBe(before + 1);
    clock.advance(100);
    expect(told).toBe(before + 2);
    scheduler.send("notice", { code: "disk-full", message: "The disk is full.", hint: "Make room." });
    await settled(() => session.notice !== null);
    expect(session.notice?.message).toBe("The disk is full.");
    scheduler.send("notice", null);
    await settled(() => session.notice === null);
    scheduler.send("notice", { code: "disk-full", message: "The disk is full.", hint: "Make room." });
    await settled(() => session.notice !== null);
    scheduler.end();
    await linked("retrying");
    clock.advance(1000);
    await linked("online");
    expect(session.notice).toBeNull();
  });

  test("ends with everything it holds, and refuses what is asked later", async () => {
    const { session, replica, clock, linked } = open();
    await linked("online");
    session.dispose();
    expect(session.link).toMatchObject({ at: "offline", why: "closed" });
    expect(replica.isDisposed).toBe(true);
    await expect(session.startJobs()).rejects.toThrow();
    expect(clock.waiting).toBe(0);
  });
});

describe("a link that needs a person", () => {
  const aPassword = new AdaptiveError("needs-user", "hpc asks for a password or a code");
  const unlessAsked = (isAsked: boolean) => (isAsked ? null : aPassword);

  /** Online, then cut, and back only with a person's help. */
  async function cut() {
    const opened = open();
    await opened.linked("online");
    await opened.mirrors();
    opened.way.refusal = unlessAsked;
    opened.scheduler.end();
    await opened.linked("retrying");
    opened.clock.advance(1000);
    expect(await opened.linked("needsUser")).toEqual({ at: "needsUser", what: aPassword.message });
    return opened;
  }

  test("is tried again by nobody, whatever happens, until the person connects", async () => {
    const opened = await cut();
    const { clock, session, way, awoken, linked } = opened;
    const attempts = way.asked.length;
    expect(clock.waiting).toBe(0);
    clock.advance(3_600_000);
    awoken.fire();
    expect(session.link.at).toBe("needsUser");
    expect(way.asked).toHaveLength(attempts);
    await session.reconnect();
    await linked("online");
    expect(way.asked).toEqual([false, false, true]);
    await expectMirrored(opened);
  });

  test("comes back by itself when something else made the way", async () => {
    const { way, wayOpened, linked } = await cut();
    way.refusal = null;
    wayOpened.fire();
    await linked("online");
    expect(way.asked).toEqual([false, false, false]);
  });

  test("asks for what a request takes, however long the person needs", async () => {
    const { session, scheduler, way } = await cut();
    await session.startJobs();
    expect(scheduler.asked).toEqual(["startJobs"]);
    expect(way.asked).toEqual([false, false, true]);
  });

  test("is said at once to who asks for data before there was any", async () => {
    const { session, clock, linked } = open(undefined, unlessAsked);
    await linked("needsUser");
    await expect(session.query("overview", null)).rejects.toBe(aPassword);
    expect(clock.waiting).toBe(0);
  });

  test("still needs the person who cancels, and says no more of it", async () => {
    const { session, way, clock } = await cut();
    way.refusal = (isAsked) => (isAsked ? new AdaptiveError("cancelled", "Cancelled") : aPassword);
    await expect(session.reconnect()).rejects.toMatchObject({ code: "cancelled" });
    expect(session.link).toEqual({ at: "needsUser", what: "logging in was cancelled" });
    expect(clock.waiting).toBe(0);
  });

  test("retries what the network did, and then needs the person again without a question", async () => {
    const { session, way, clock, linked } = await cut();
    way.refusal = () => new AdaptiveError("unreachable", "hpc does not answer");
    await expect(session.reconnect()).rejects.toMatchObject({ code: "unreachable" });
    expect(session.link).toMatchObject({ at: "retrying", why: "hpc does not answer" });
    way.refusal = unlessAsked;
    clock.advance(30_000);
    await linked("needsUser");
    expect(way.asked).toEqual([false, false, true, false]);
  });

  test("asks a person who comes while an attempt without them is under way", async () => {
    const opened = open();
    const { session, scheduler, way, clock, linked } = opened;
    await linked("online");
    way.refusal = unlessAsked;
    scheduler.end();
    await linked("retrying");
    clock.advance(1000);
    await linked("connecting");
    await session.reconnect();
    expect(session.link.at).toBe("online");
    expect(way.asked).toEqual([false, false, true]);
  });
});

describe("a computer that wakes up", () => {
  test("asks at once whether the connection still holds", async () => {
    const { scheduler, clock, linked, awoken, settled } = open();
    await linked("online");
    await settled(() => clock.waiting > 0);
    scheduler.answersPings = false;
    awoken.fire();
    await settled(() => scheduler.pings === 1);
    clock.advance(15_000);
    await expect(linked("retrying")).resolves.toMatchObject({ attempt: 1 });
  });

  test("tries again at once, and as often as at first", async () => {
    const opened = open();
    const { linked, awoken, links } = opened;
    await linked("online");
    await failFourTimes(opened);
    const before = links.length;
    awoken.fire();
    await linked("connecting");
    await linked("retrying");
    expect(links.slice(before)).toMatchObject([{ at: "connecting" }, { at: "retrying", attempt: 1, nextInMs: 1000 }]);
  });
});

describe("a link", () => {
  const asTried = { attempt: 3, nextInMs: 4000, mayStart: true, now: new Date(7), lastWordAt: 5 };

  test.each([
    ["unreachable", true, { at: "retrying", attempt: 3, nextInMs: 4000, why: "words", lastWordAt: 5 }],
    ["connection-lost", true, { at: "retrying", attempt: 3, nextInMs: 4000, why: "words", lastWordAt: 5 }],
    ["disk-full", true, { at: "retrying", attempt: 3, nextInMs: 4000, why: "words", lastWordAt: 5 }],
    ["unreachable", false, { at: "offline", since: new Date(7), why: "the scheduler has ended" }],
    ["copied-run", true, { at: "offline", since: new Date(7), why: "words", isCopied: true }],
    ["needs-user", true, { at: "needsUser", what: "words" }],
    ["needs-user", false, { at: "needsUser", what: "words" }],
    ["wrong-password", true, { at: "needsUser", what: "words" }],
    ["no-auth-left", true, { at: "needsUser", what: "words" }],
    ["host-key-changed", true, { at: "needsUser", what: "words" }],
    ["cancelled", true, { at: "needsUser", what: "logging in was cancelled" }],
  ] as [string, boolean, Link][])("after %s (a scheduler may be started: %s) is %o", (code, mayStart, link) => {
    expect(afterFailure(new AdaptiveError(code, "words"), { ...asTried, mayStart })).toEqual(link);
  });

  const offline: Link = { at: "offline", since: new Date(0), why: "closed" };
  const connecting: Link = { at: "connecting", step: "Starting" };
  const retrying: Link = { at: "retrying", attempt: 2, nextInMs: 2000, why: "no route", lastWordAt: null };

  test.each([
    [offline, connecting, "link: offline → connecting (Starting)"],
    [connecting, { at: "online" }, "link: connecting → online"],
    [{ at: "online" }, retrying, "link: online → retrying (no route; attempt 2 in 2000 ms)"],
    [retrying, offline, "link: retrying → offline (closed)"],
    [connecting, { at: "needsUser", what: "a code" }, "link: connecting → needsUser (a code)"],
  ] as [Link, Link, string][])("logs each step and why", (from, to, line) => {
    const lines: string[] = [];
    expect(transition(from, to, (said) => lines.push(said))).toBe(to);
    expect(lines).toEqual([line]);
  });

  test.each([
    [offline, { at: "online" }],
    [{ at: "online" }, { at: "online" }],
    [retrying, { at: "online" }],
    [
      { at: "needsUser", what: "a code" },
      { at: "retrying", attempt: 1, nextInMs: 1, why: "" },
    ],
  ] as [Link, Link][])("cannot skip one", (from, to) => {
    expect(() => transition(from, to, () => undefined)).toThrow("cannot go");
  });
});

/** A change that the client is not told of. */
function gap(scheduler: FakeScheduler): FakeScheduler["changes"] {
  return [{ ...assigned(3, 0), seq: scheduler.changes.length + 1, time: 7000 }];
}
