import * as v from "valibot";
import type { Change } from "../state/changes";
import { AdaptiveError, toAdaptiveError } from "../state/errors";
import { asLearnerId, type LearnerId } from "../state/rows";
import type { Store } from "../state/store";
import { requestSchema, refusal, rpcCodes } from "./jsonRpc";
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
  name: string;
  heardAt: number;
  isAttached: boolean;
  /** Read in pieces, and forgotten after the last one. */
  snapshot: Uint8Array | null;
  watched: readonly LearnerId[];
}

/** Newest changes kept in memory, for clients that were away for a moment. */
const keptChanges = 20_000;
/** More people do not look at a run at a time; each may have a snapshot in memory. */
const maxClients = 256;

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

  get isAnyAttached(): boolean {
    return [...this.clients.values()].some(({ isAttached }) => isAttached);
  }

  /** The condition of the run that is shown now. */
  get notice(): Notifications["notice"] {
    return this.shown;
  }

  /**
   * Takes in a message of the client with this name, who need not be known yet.
   * @returns when it is answered; why it was dropped, or null
   */
  async receive(name: string, message: object): Promise<string | null> {
    const request = v.safeParse(requestSchema, message, { abortEarly: true });
    // It could not be answered: there is no id, or nobody waits for an answer to it.
    if (!request.success) return `no request (${v.getDotPath(request.issues[0]) ?? "no object"})`;
    const { id, method, params = {} } = request.output;
    const client = this.clients.get(name) ?? this.admit(name);
    if (!client) return `more than ${maxClients} clients`;
    client.heardAt = this.options.now();
    const { send } = this.options;
    if (!isMethod(method)) {
      const unknown = new AdaptiveError("no-method", `There is no method ${method}.`);
      send(name, refusal(id, rpcCodes.noMethod, unknown));
      return null;
    }
    const parsed = v.safeParse(requestSchemas[method], params, { abortEarly: true });
    if (!parsed.success) {
      const wrong = new AdaptiveError("bad-params", `${method}: ${describeIssue(parsed.issues[0])}.`);
      send(name, refusal(id, rpcCodes.invalidParams, wrong));
      return null;
    }
    try {
      const handle = this.handlersFor(client)[method] as (params: unknown) => unknown;
      send(name, { jsonrpc: "2.0", id, result: (await handle(parsed.output)) ?? null });
    } catch (error) {
      send(name, refusal(id, rpcCodes.failed, toAdaptiveError(error)));
    }
    return null;
  }

  notifyAttached<N extends keyof Notifications>(name: N, params: Notifications[N]): void {
    for (const client of this.clients.values()) if (client.isAttached) this.notify(client, name, params);
  }

  notifyWatchers<N extends keyof Notifications>(learner: LearnerId, name: N, params: Notifications[N]): void {
    for (const client of this.clients.values()) {
      if (client.watched.includes(learner)) this.notify(client, name, params);
    }
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
      this.clients.delete(name);
      this.options.onDidWatch(this.watched());
    }
  }

  private admit(name: string): Client | null {
    if (this.clients.size >= maxClients) return null;
    const client: Client = { name, heardAt: 0, isAttached: false, snapshot: null, watched: [] };
    this.clients.set(name, client);
    return client;
  }

  private handlersFor(client: Client): Handlers {
    return {
      ...this.options.commands,
      attach: async ({ position }) => {
        this.options.onWillAttach();
        // On a full disk it is shown what there is, and that.
        await this.options.store.syncedIfRoom().catch(unlessFull);
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
  }

  private notify<N extends keyof Notifications>({ name }: Client, method: N, params: Notifications[N]): void {
    this.options.send(name, { jsonrpc: "2.0", method, params });
  }

  private attach(client: Client, from: Position | null): Results["attach"] {
    const { store } = this.options;
    // Everything synced is in here, and whatever is synced later comes as a notification: nothing is between.
    const { position } = store;
    const [run] = store.database.rows("run");
    if (!run) throw new Error("The database has no run.");
    client.isAttached = true;
    if (this.shown) this.notify(client, "notice", this.shown);
    const missed = from && this.changesSince(from, position);
    if (!missed) {
      client.snapshot = store.database.export();
      return { run, position, snapshot: { bytes: client.snapshot.length } };
    }
    client.snapshot = null;
    if (missed.length > 0) this.notify(client, "changes", { incarnation: position.incarnation, changes: missed });
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

function unlessFull(error: unknown): void {
  if (toAdaptiveError(error).code !== "disk-full") throw error;
}

const isMethod = (name: string): name is Method => Object.hasOwn(requestSchemas, name);

/** What is wrong with which field; never much of what came. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  const field = v.getDotPath(issue);
  const words = issue.message.slice(0, maxIssueLength);
  return field === null ? words : `${field.slice(0, maxIssueLength)}: ${words}`;
}
const maxIssueLength = 200;

function readSnapshot(client: Client, offset: number): Results["snapshot/read"] {
  if (!client.snapshot) throw new AdaptiveError("no-snapshot", "There is no snapshot to read.", "Attach first.");
  const piece = client.snapshot.subarray(offset, offset + snapshotPieceBytes);
  if (offset + piece.length >= client.snapshot.length) client.snapshot = null;
  return { base64: Buffer.from(piece).toString("base64") };
}
