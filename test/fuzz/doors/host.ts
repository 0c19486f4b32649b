/** What a host sends to the editor: every word of it is a stranger's. */
import { PassThrough, Readable } from "node:stream";
import { ControlConnection, type NotificationHandlers } from "../../../src/remote/controlConnection";
import { Feed } from "../../../src/remote/feed";
import { attachCommand } from "../../../src/remote/launch";
import type { Replica } from "../../../src/remote/replica/replica";
import { ReplicaDatabase } from "../../../src/remote/replica/replicaDatabase";
import { AfterMarker } from "../../../src/remote/ssh/afterMarker";
import { Relay } from "../../../src/remote/ssh/relay";
import type { Exit } from "../../../src/remote/transport";
import { framed } from "../../../src/scheduler/control/framing";
import { isSafePath, unpack } from "../../../src/scheduler/control/pack";
import { isChange, type Change, type NewChange } from "../../../src/scheduler/state/changes";
import { systemClock } from "../../../src/scheduler/state/clock";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { type FuzzedDoor, inWords, readerDoor, spoilt } from "../door";
import { nearlyBytes, nearlyJson, nearlyText } from "../nearly";
import { exported, firstChanges, numbered, wasm } from "./scheduler";

const code = await wasm();
export const database = await exported(code);

const order = { orderBy: "npoints", descending: true } as const;

/** What the views ask of a replica; whatever it holds is answered or refused. */
function look(replica: ReplicaDatabase): void {
  replica.query("overview", null);
  replica.query("learners", { ...order, offset: 0, limit: 50, filter: "offset>=0" });
  replica.query("learnersCsv", { ...order, orderBy: "parameter:offset" });
  replica.query("jobs", { limit: 50 });
  replica.query("series", null);
}

const snapshot = readerDoor("snapshot", nearlyBytes([database]), async (input) => {
  const opened = await inWords(() => sqlite(() => ReplicaDatabase.open(Uint8Array.from(input), code)));
  if (opened instanceof Error) return;
  try {
    await inWords(() => sqlite(() => look(opened)));
  } finally {
    opened.close();
  }
});

/** What SQLite itself says of a damaged file is said in its worker, and is an error of the connection. */
async function sqlite<T>(act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof AdaptiveError || !(error instanceof Error) || error instanceof TypeError) throw error;
    throw new AdaptiveError("bad-snapshot", error.message || "SQLite says nothing");
  }
}

export const changes = numbered([
  ...firstChanges,
  { kind: "learnersMoved", learners: [asLearnerId(1)], state: "stopped", reason: "r" },
  { kind: "progressNoted", learners: [asLearnerId(0)], npoints: [3], loss: [null] },
  { kind: "learnersRenamed", learners: [{ id: asLearnerId(2), fname: "data/two" }] },
] satisfies NewChange[]).slice(firstChanges.length);
const sample = { time: 1, npoints: 3, running: 1, queued: 0, done: 0 };
const line = { kind: "line", npoints: 2, x: [0, 1], y: [[0, 1]], xLabel: "x", yLabel: "y", bounds: [0, 1] };
const notifications: readonly object[] = [
  { method: "changes", params: { incarnation: 1, changes } },
  ...changes.map((change) => ({ method: "changes", params: { incarnation: 1, changes: [change] } })),
  { method: "progress", params: { time: 1, learners: [0], npoints: [3], loss: [0.5], sample } },
  { method: "preview", params: { learner: 0, preview: line } },
  { method: "noPreview", params: { learner: 0, why: null } },
  { method: "notice", params: { message: "The disk is full.", hint: "Make room." } },
  { method: "closing", params: null },
];
const answers: readonly object[] = [
  { id: 1, result: { position: { runId: "r", incarnation: 1, seq: 6 }, snapshot: { bytes: 100 } } },
  { id: 2, result: { base64: "AAAA" } },
  { id: 3, result: { argv: ["bash", "-c", "x"], directory: "/" } },
  { id: 4, result: { done: 1, missed: [0], unknown: [] } },
  { id: 5, result: { text: "t", truncated: false } },
  { id: 1, error: { message: "m", data: { code: "c", hint: "h" } } },
];

/** Takes in what passes the connection's check, as the worker of a replica does. */
async function replicaHere(): Promise<Replica & { database: ReplicaDatabase }> {
  const here = await ReplicaDatabase.open(Uint8Array.from(database), code);
  return {
    database: here,
    load: () => Promise.resolve(here.seq),
    applyChanges: async (list: readonly Change[]) => {
      here.applyChanges(list);
      return sqlite(() => here.seq);
    },
    applyProgress: async (progress) => here.applyProgress(progress),
    query: (name, params) => Promise.resolve(here.query(name, params)),
    dispose: () => here.close(),
  };
}

const stream: FuzzedDoor = {
  name: "attach-answers",
  inputs: nearlyJson([...notifications, ...answers].map((message) => ({ jsonrpc: "2.0", ...message }))),
  open: () => {
    const feed = async (input: Buffer): Promise<void> => {
      const replica = await replicaHere();
      const feeding = new Feed(replica, () => undefined);
      feeding.open(1);
      let failed: unknown = null;
      feeding.failed.catch((error: unknown) => (failed = error));
      const handlers: NotificationHandlers = {
        ...{ changes: (sent) => feeding.changes(sent), progress: (sent) => feeding.progress(sent) },
        ...{ preview: () => undefined, noPreview: () => undefined, notice: () => undefined, closing: () => undefined },
      };
      const [stdin, stdout, stderr] = [new PassThrough().resume(), new PassThrough(), new PassThrough()];
      const ending = new AbortController();
      const process = { stdin, stdout, stderr, exit: new Promise<Exit>(() => undefined) };
      const command = attachCommand({ argv: ["program"], env: {} }, "/run", false);
      const connection = new ControlConnection(process, command, handlers, systemClock, ending.signal);
      const asked = [
        connection.request("attach", { protocol: 1, position: null }),
        connection.request("snapshot/read", { offset: 0 }),
        connection.request("jobShell", { job: "1_1" }),
        connection.request("missedGoals", {}),
        connection.request("jobOutput", { job: "1_1", maxBytes: 10 }),
      ];
      const settled = Promise.allSettled(asked);
      stdout.write(framed(input));
      stdout.write(input);
      stdout.write("\n");
      await new Promise((resolve) => setImmediate(resolve));
      connection.dispose();
      ending.abort();
      await settled;
      await new Promise((resolve) => setImmediate(resolve));
      if (failed !== null) await inWords(() => Promise.reject(failed as Error));
      await inWords(() => sqlite(() => look(replica.database)));
      replica.dispose();
    };
    return Promise.resolve({ feed, close: () => Promise.resolve() });
  },
};

const listed = readerDoor("changes", nearlyJson(changes.map((change) => [change])), async (input) => {
  const replica = await replicaHere();
  try {
    const list: unknown = JSON.parse(input.toString("utf8"));
    if (Array.isArray(list) && list.every(isChange)) await inWords(() => replica.applyChanges(list));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  await inWords(() => sqlite(() => look(replica.database)));
  replica.dispose();
});

const head = (letter: string, number: number, payload: string): Buffer => {
  const bytes = Buffer.alloc(9);
  bytes.write(letter);
  bytes.writeUInt32BE(number, 1);
  bytes.writeUInt32BE(Buffer.byteLength(payload), 5);
  return Buffer.concat([bytes, Buffer.from(payload)]);
};
const frames = [head("s", 1, ""), head("1", 1, "out"), head("i", 1, "\0\0\0\x05"), head("2", 1, ""), head("1", 1, "")];
const relay: FuzzedDoor = {
  name: "relay-answers",
  inputs: nearlyBytes([
    Buffer.concat([...frames, head("x", 1, '{"code":0,"signal":null}')]),
    Buffer.concat([head("m", 1, "program"), head("s", 0, "")]),
    Buffer.concat([head("s", 1, ""), head("x", 1, `${"[".repeat(5000)}${"]".repeat(5000)}`)]),
  ]),
  open: () => {
    const feed = async (input: Buffer): Promise<void> => {
      const [stdin, stdout, stderr] = [new PassThrough().resume(), new PassThrough(), new PassThrough()];
      let end: (exit: Exit) => void = () => undefined;
      const exit = new Promise<Exit>((resolve) => (end = resolve));
      const made = new Relay(
        { stdin, stdout, stderr, exit },
        {
          notStarted: (missing) => new AdaptiveError("command-missing", `There is no ${missing.slice(0, 100)}.`),
          lost: () => new AdaptiveError("connection-lost", "The connection was lost."),
        },
      );
      const opened = inWords(() => made.exec(["cat"], { signal: new AbortController().signal }));
      stdout.write(input);
      setImmediate(() => end({ code: 1, signal: null }));
      const command = await opened;
      if (command instanceof Error) return;
      command.stdout.resume();
      command.stderr.resume();
      await command.exit;
    };
    return Promise.resolve({ feed, close: () => Promise.resolve() });
  },
};

const file = (path: string, content: string): string =>
  `${JSON.stringify({ path, size: Buffer.byteLength(content), isExecutable: false })}\n${content}`;
const packed = readerDoor(
  "pack",
  nearlyText(
    [`${file("data/a.pickle", "aaa")}${file("b", "")}null\n`, `${file("../x", "y")}null\n`, "null\n"],
    ["null\n", "\\"],
  ),
  async (input) => {
    await inWords(() =>
      unpack(Readable.from([input.subarray(0, 7), input.subarray(7)]), async ({ path }, content) => {
        if (!isSafePath(path)) throw spoilt(`${path} is written`);
        for await (const _ of content);
      }),
    );
  },
);

const marker = readerDoor(
  "marker",
  nearlyText(["Welcome\n@@mark@@ up\nrest\n", "@@mark@@"], ["@@mark@@", "\n"]),
  async (input) => {
    const after = new AfterMarker("@@mark@@");
    const rest = after.toArray();
    for (let at = 0; at < input.length; at += 1000) after.write(input.subarray(at, at + 1000));
    after.end();
    const [word, passed] = [await after.word, Buffer.concat((await rest) as Buffer[])];
    const at = input.indexOf("@@mark@@");
    const end = at < 0 ? -1 : input.indexOf(10, at);
    if ((word !== null) !== end >= 0) throw spoilt("a marker is found where there is none, or is missed");
    if (end >= 0 && !passed.equals(input.subarray(end + 1))) throw spoilt("something else is passed on");
  },
);

export const hostDoors: readonly FuzzedDoor[] = [snapshot, listed, stream, relay, packed, marker];
