import { ErrorCodes, ResponseError } from "vscode-jsonrpc/node";
import * as v from "valibot";
import type { Change } from "../state/changes";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { asLearnerId, type LearnerId } from "../state/rows";
import type { Store } from "../state/store";
import { openObjectChannel, type ObjectChannel } from "./channel";
import {
  clientSilenceMs,
  requestSchemas,
  snapshotPieceBytes,
  type Method,
  type Notifications,
  type Params,
  type Position,
  type Results,
} from "./protocol";
import { toRpcError } from "./rpcError";

/** The requests that are not about a client's own subscription, as the scheduler carries them out. */
export type Commands = {
  [M in Exclude<Method, "attach" | "snapshot/read" | "ping" | "watch">]: (
    params: Params<M>,
  ) => Results[M] | Promise<Results[M]>;
};

export interface ClientsOptions {
  store: Store;
  commands: Commands;
  send(client: string, message: object): void;
  /** The learners that any client looks at have changed. */
  onDidWatch(learners: ReadonlySet<LearnerId>): void;
  /** What a snapshot would not have yet may be recorded now. */
  onWillAttach(): void;
  now(): number;
}

interface Client {
  channel: ObjectChannel;
  heardAt: number;
  isAttached: boolean;
  /** Read in pieces, and forgotten after the last one. */
  snapshot: Uint8Array | null;
  watched: readonly LearnerId[];
}

/** Newest changes kept in memory, for clients that were away for a moment. */
const keptChanges = 20_000;

/**
 * The people's clients of a scheduler. Each has a position in the stream of changes: it gets either
 * those after it or a snapshot, and from then on every change once it is on disk.
 */
export class Clients {
  private readonly clients = new Map<string, Client>();
  private recent: Change[] = [];
  private shown: Notifications["notice"] = null;

  constructor(private readonly options: ClientsOptions) {
    options.store.onDidSync((changes) => {
      this.recent.push(...changes);
      if (this.recent.length > 2 * keptChanges) this.recent = this.recent.slice(-keptChanges);
      this.notifyAttached("changes", { incarnation: options.store.position.incarnation, changes });
    });
  }

  get size(): number {
    return this.clients.size;
  }

  /** The condition of the run that is shown now. */
  get notice(): Notifications["notice"] {
    return this.shown;
  }

  /** Takes in a message of the client with this name, who need not be known yet. */
  receive(name: string, message: object): void {
    const client = this.clients.get(name) ?? this.admit(name);
    client.heardAt = this.options.now();
    client.channel.receive(message);
  }

  notifyAttached<N extends keyof Notifications>(name: N, params: Notifications[N]): void {
    for (const client of this.clients.values()) if (client.isAttached) notify(client, name, params);
  }

  notifyWatchers<N extends keyof Notifications>(learner: LearnerId, name: N, params: Notifications[N]): void {
    for (const client of this.clients.values()) if (client.watched.includes(learner)) notify(client, name, params);
  }

  /** Shows everybody a condition of the run, also who attaches later; false when it is shown already. */
  show(notice: Notifications["notice"]): boolean {
    if (notice?.message === this.shown?.message) return false;
    this.shown = notice;
    this.notifyAttached("notice", notice);
    return true;
  }

  /** Forgets clients that have gone without a word. */
  forgetSilent(): void {
    for (const [name, client] of this.clients) {
      if (this.options.now() - client.heardAt <= clientSilenceMs) continue;
      client.channel.connection.dispose();
      this.clients.delete(name);
      this.options.onDidWatch(this.watched());
    }
  }

  dispose(): void {
    for (const { channel } of this.clients.values()) channel.connection.dispose();
  }

  private admit(name: string): Client {
    const channel = openObjectChannel((message) => this.options.send(name, message));
    const client: Client = { channel, heardAt: 0, isAttached: false, snapshot: null, watched: [] };
    this.clients.set(name, client);
    const own: Pick<Handlers, "attach" | "snapshot/read" | "ping" | "watch"> = {
      attach: async ({ position }) => {
        this.options.onWillAttach();
        await this.options.store.synced();
        return this.attach(client, position);
      },
      "snapshot/read": ({ offset }) => readSnapshot(client, offset),
      ping: () => null,
      watch: ({ learners }) => {
        client.watched = learners.map(asLearnerId);
        this.options.onDidWatch(this.watched());
        return null;
      },
    };
    answerRequests(channel, { ...this.options.commands, ...own });
    channel.connection.listen();
    return client;
  }

  private attach(client: Client, from: Position | null): Results["attach"] {
    const { store } = this.options;
    // Everything synced is in here, and whatever is synced later comes as a notification: nothing is between.
    const { position } = store;
    const [run] = store.database.rows("run");
    if (!run) throw new Error("The database has no run.");
    client.isAttached = true;
    if (this.shown) notify(client, "notice", this.shown);
    const missed = from && this.changesSince(from, position);
    if (!missed) {
      client.snapshot = store.database.export();
      return { run, position, snapshot: { bytes: client.snapshot.length } };
    }
    client.snapshot = null;
    if (missed.length > 0) notify(client, "changes", { incarnation: position.incarnation, changes: missed });
    return { run, position, snapshot: null };
  }

  /** Null when they are not all here any more, or belong to another history. */
  private changesSince(from: Position, position: Position): readonly Change[] | null {
    if (from.runId !== position.runId || from.incarnation !== position.incarnation || from.seq > position.seq)
      return null;
    if (from.seq === position.seq) return [];
    const first = this.recent.findIndex(({ seq }) => seq === from.seq + 1);
    return first < 0 ? null : this.recent.slice(first);
  }

  private watched(): Set<LearnerId> {
    return new Set([...this.clients.values()].flatMap(({ watched }) => watched));
  }
}

type Handlers = { [M in Method]: (params: Params<M>) => Results[M] | Promise<Results[M]> };

function answerRequests({ connection }: ObjectChannel, handlers: Handlers): void {
  for (const method of Object.keys(requestSchemas) as Method[]) {
    connection.onRequest(method, async (params: unknown) => {
      const parsed = v.safeParse(requestSchemas[method], params ?? {});
      if (!parsed.success) {
        throw new ResponseError(ErrorCodes.InvalidParams, `${method}: ${parsed.issues[0].message}`);
      }
      const handle = handlers[method] as (params: unknown) => unknown;
      try {
        return await handle(parsed.output);
      } catch (error) {
        throw toRpcError(toAdaptiveError(error));
      }
    });
  }
}

function notify<N extends keyof Notifications>(client: Client, name: N, params: Notifications[N]): void {
  void client.channel.connection.sendNotification(name, params);
}

function readSnapshot(client: Client, offset: number): Results["snapshot/read"] {
  if (!client.snapshot) throw new AdaptiveError("no-snapshot", "There is no snapshot to read.", "Attach first.");
  const piece = client.snapshot.subarray(offset, offset + snapshotPieceBytes);
  if (offset + piece.length >= client.snapshot.length) client.snapshot = null;
  return { base64: Buffer.from(piece).toString("base64") };
}
