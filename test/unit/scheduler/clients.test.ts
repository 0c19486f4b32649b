import { expect, onTestFinished, test } from "vitest";
import { openObjectChannel } from "../../../src/scheduler/control/channel";
import { Clients, type Commands } from "../../../src/scheduler/control/clients";
import { clientSilenceMs, type Notifications, type Results } from "../../../src/scheduler/control/protocol";
import { Database } from "../../../src/scheduler/state/database";
import type { Store } from "../../../src/scheduler/state/store";
import { createRunOnDisk, openStore, wasm } from "./runFixture";

/** The people's side of a scheduler with a real store; its clients speak JSON-RPC over objects. */
async function openClients() {
  const store = await openStore(await createRunOnDisk(3));
  const channels = new Map<string, (message: object) => void>();
  const watched: number[][] = [];
  const time = { now: 0 };
  const clients = new Clients({
    store,
    commands: { pauseJobs: () => Promise.reject(new Error("not now")) } as unknown as Commands,
    send: (name, message) => channels.get(name)?.(structuredClone(message)),
    onDidWatch: (learners) => watched.push([...learners]),
    onWillAttach: () => store.record({ kind: "codeRevised", revision: "fresh", versions: "{}" }),
    now: () => time.now,
  });
  const connect = (name: string) => {
    const changes: Notifications["changes"]["changes"][number][] = [];
    const notices: Notifications["notice"][] = [];
    const { connection, receive } = openObjectChannel((message) => clients.receive(name, structuredClone(message)));
    channels.set(name, receive);
    connection.onNotification("changes", (sent: Notifications["changes"]) => void changes.push(...sent.changes));
    connection.onNotification("notice", (sent: Notifications["notice"]) => void notices.push(sent));
    connection.listen();
    onTestFinished(() => connection.dispose());
    const ask = <T>(method: string, params: object) => connection.sendRequest<T>(method, params);
    const attach = (position: object | null) => ask<Results["attach"]>("attach", { protocol: 1, position });
    return { ask, attach, changes, notices };
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
  const full = { message: "The disk is full.", hint: "Make room." };
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

test("a request that makes no sense, or fails, is answered with what is wrong", async () => {
  const { connect } = await openClients();
  const { ask } = connect("a");
  await expect(ask("watch", { learners: "all" })).rejects.toThrow("watch:");
  await expect(ask("watch", { learners: Array.from({ length: 17 }, (_, i) => i) })).rejects.toThrow("watch:");
  await expect(ask("dance", {})).rejects.toThrow();
  await expect(ask("snapshot/read", { offset: 0 })).rejects.toThrow("no snapshot");
  await expect(ask("pauseJobs", {})).rejects.toThrow("not now");
});
