import { expect, test } from "vitest";
import { Clients, type Commands } from "../../../src/scheduler/control/clients";
import { RpcClient } from "../../../src/scheduler/control/jsonRpc";
import {
  clientSilenceMs,
  type Method,
  type Notifications,
  type Params,
  type Results,
} from "../../../src/scheduler/control/protocol";
import { Database } from "../../../src/scheduler/state/database";
import { toAdaptiveError } from "../../../src/scheduler/state/errors";
import type { Store } from "../../../src/scheduler/state/store";
import { createRunOnDisk, defaultSettings, openStore, wasm } from "./runFixture";

/** The people's side of a scheduler with a real store; its clients speak JSON-RPC over objects. */
async function openClients() {
  const store = await openStore(await createRunOnDisk(3));
  const sent = new Map<string, object[]>();
  const channels = new Map<string, (message: string) => void>();
  const watched: number[][] = [];
  const time = { now: 0 };
  const clients = new Clients({
    store,
    commands: { pauseJobs: () => Promise.reject(new Error("not now")) } as unknown as Commands,
    send: (name, message) => {
      sent.get(name)?.push(message);
      channels.get(name)?.(JSON.stringify(message));
    },
    onDidWatch: (learners) => watched.push([...learners]),
    onWillAttach: () => store.record({ kind: "codeRevised", revision: "fresh", versions: "{}" }),
    now: () => time.now,
  });
  const connect = (name: string) => {
    const changes: Notifications["changes"]["changes"][number][] = [];
    const notices: Notifications["notice"][] = [];
    const hear = (method: string, params: unknown): void => {
      if (method === "changes") changes.push(...(params as Notifications["changes"]).changes);
      if (method === "notice") notices.push(params as Notifications["notice"]);
    };
    const rpc = new RpcClient((message) => void clients.receive(name, JSON.parse(message) as object), hear);
    channels.set(name, (message) => void rpc.receive(message));
    sent.set(name, []);
    const ask = <T>(method: string, params: object) => rpc.request(method, params) as Promise<T>;
    const attach = (position: object | null) => ask<Results["attach"]>("attach", { protocol: 1, position });
    return { ask, attach, changes, notices, clients, sent: sent.get(name) ?? [] };
  };
  return { store, clients, connect, watched, time };
}

async function revise(store: Store, revision: string): Promise<void> {
  store.record({ kind: "codeRevised", revision, versions: "{}" });
  await store.synced();
}

test("a new client gets a snapshot with what was fresh a moment ago, and then every change", async () => {
  const { store, connect } = await openClients();
  const { ask, attach, changes } = connect("a");
  const { position, snapshot } = await attach(null);
  expect(position).toEqual(store.position);
  const { base64 } = await ask<Results["snapshot/read"]>("snapshot/read", { offset: 0 });
  const bytes = Buffer.from(base64, "base64");
  expect(bytes.length).toBe(snapshot?.bytes);
  const database = await Database.open(bytes, wasm);
  expect(database.rows("run")).toMatchObject([{ seq: position.seq, revision: "fresh" }]);
  database.close();
  await revise(store, "r2");
  await ask("ping", {});
  expect(changes.map(({ seq }) => seq)).toEqual([position.seq + 1]);
});

test("a client that was away gets what it missed, without gap; from another history, a snapshot", async () => {
  const { store, connect } = await openClients();
  await revise(store, "r2");
  const here = store.position;
  await revise(store, "r3");
  const back = connect("back");
  expect(await back.attach(here)).toMatchObject({ snapshot: null });
  expect(back.changes.map(({ seq }) => seq)).toEqual([here.seq + 1, here.seq + 2]);
  for (const [name, position] of Object.entries({
    "another run": { ...here, runId: "other" },
    "another incarnation": { ...here, incarnation: here.incarnation + 1 },
    "ahead of us": { ...here, seq: here.seq + 1000 },
    "older than what is kept": { ...here, seq: 1 },
  })) {
    expect((await connect(name).attach(position)).snapshot, name).not.toBeNull();
  }
});

test("a condition of the run is shown to everybody once, and to who comes later", async () => {
  const { clients, connect } = await openClients();
  const early = connect("early");
  await early.attach(null);
  const full = { code: "disk-full", message: "The disk is full.", hint: "Make room." };
  expect([clients.show(full), clients.show(full)]).toEqual([true, false]);
  const late = connect("late");
  await late.attach(null);
  clients.show(null);
  await Promise.all([early.ask("ping", {}), late.ask("ping", {})]);
  expect(early.notices).toEqual([full, null]);
  expect(late.notices).toEqual([full, null]);
});

test("who has gone without a word is forgotten, with what it looked at", async () => {
  const { clients, connect, watched, time } = await openClients();
  await connect("gone").ask("watch", { learners: [1, 2] });
  const here = connect("here");
  await here.ask("watch", { learners: [2] });
  time.now = clientSilenceMs + 1;
  await here.ask("ping", {});
  clients.forgetSilent();
  expect(clients.size).toBe(1);
  expect(watched.at(-1)).toEqual([2]);
});

test("a request that fails, or that there is none of, is answered with why", async () => {
  const { connect } = await openClients();
  const { ask } = connect("a");
  await expect(ask("dance", {})).rejects.toThrow("dance");
  await expect(ask("__proto__", {})).rejects.toThrow("__proto__");
  await expect(ask("snapshot/read", { offset: 0 })).rejects.toThrow("no snapshot");
  await expect(ask("pauseJobs", {})).rejects.toThrow("not now");
});

/** What each request may look like. */
const sound: { readonly [M in Method]: Params<M> } = {
  attach: { protocol: 1, position: { runId: "r", incarnation: 1, seq: 1 } },
  "snapshot/read": { offset: 0 },
  ping: {},
  watch: { learners: [1] },
  status: {},
  configure: { settings: JSON.stringify(defaultSettings), origins: "{}" },
  startJobs: {},
  stopJobs: { gently: true },
  pauseJobs: {},
  retryLearners: { learners: [1] },
  stopLearners: { learners: [1] },
  reopenLearners: { learners: [1] },
  tryLearners: { learners: [1] },
  listJobs: {},
  cancelJobs: { jobs: ["1_[2]", "4711.head.site"] },
  shutDown: { ifUnused: false },
  failure: { learner: 1 },
  findLearners: { names: ["data/*"], states: ["done"], where: "npoints>3" },
  failedLearners: { where: "" },
  missedGoals: {},
  checkData: {},
  studyEdits: {},
  compareStudy: {},
  updateStudy: { revision: "r" },
  jobShell: { job: "1_1" },
  jobOutput: { job: "1_1", maxBytes: 10 },
};

const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) as unknown;
/** None of these is right for any field. */
const nonsense = [{ of: "another kind" }, -5, 1.5, 1e300, deep, [[1]], [null], ["\ud800/../x", -1], "x".repeat(2e6)];
const more: { readonly [field: string]: readonly unknown[] } = {
  job: ["../../../secret", "a/b", "", "1\n2"],
  maxBytes: [(1 << 20) + 1, "1"],
  learners: [Array.from({ length: 200_001 }, (_, i) => i), ["1"], [2 ** 53]],
  names: [Array.from({ length: 10_001 }, () => "*")],
  settings: ["{}", "null", "{"],
  origins: ["[]", "{", '{"goal":"magic"}'],
  where: ["x".repeat(10_001)],
};

test("every method takes what is right, and refuses nonsense, naming the field", async () => {
  const { connect } = await openClients();
  const { ask, clients, sent } = connect("a");
  for (const [method, params] of Object.entries(sound)) {
    const right = await ask(method, params).catch((error: unknown) => toAdaptiveError(error).code);
    expect(right, method).not.toBe("bad-params");
    for (const field of Object.keys(params)) {
      for (const wrong of [...nonsense, ...(more[field] ?? [])]) {
        sent.length = 0;
        await clients.receive("a", { jsonrpc: "2.0", id: 1, method, params: { ...params, [field]: wrong } });
        const message = expect.stringMatching(`^${method}: ${field}[.:]`) as string;
        expect(sent).toMatchObject([{ id: 1, error: { code: -32602, message } }]);
        // Not with all of what came.
        expect(JSON.stringify(sent).length).toBeLessThan(1000);
      }
    }
  }
});

test.each([
  ["a cancellation without parameters", { jsonrpc: "2.0", method: "$/cancelRequest" }],
  ["a cancellation of nothing", { jsonrpc: "2.0", method: "$/cancelRequest", params: null }],
  ["a cancellation of something else", { jsonrpc: "2.0", method: "$/cancelRequest", params: true }],
  ["a cancellation of null", { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: null } }],
  ["a cancellation of an object", { jsonrpc: "2.0", method: "$/cancelRequest", params: { id: { toString: 1 } } }],
  ["a request with the id null", { jsonrpc: "2.0", id: null, method: "ping" }],
  ["a request with an object as id", { jsonrpc: "2.0", id: { toString: 1 }, method: "ping" }],
  ["an answer to nothing", { jsonrpc: "2.0", id: "__proto__", result: deep }],
  ["an error without an id", { jsonrpc: "2.0", error: { code: deep, message: {} } }],
  ["a method that is none", { jsonrpc: "2.0", id: 1, method: { toString: null } }],
  ["another version", { jsonrpc: deep, id: 1, method: "ping" }],
  ["nothing", { jsonrpc: "2.0" }],
])("what is no request is dropped, and all goes on: %s", async (_, message) => {
  const { clients, connect } = await openClients();
  expect(await clients.receive("a", message)).toMatch(/^no request/);
  await expect(connect("a").ask("ping", {})).resolves.toBeNull();
});

test("there are as many clients as people may be, and no more", async () => {
  const { clients } = await openClients();
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  for (let i = 0; i < 2000; i++) await clients.receive(String(i), ping);
  expect(clients.size).toBe(256);
  expect(await clients.receive("another", ping)).toMatch("clients");
});
