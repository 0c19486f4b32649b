import { PassThrough } from "node:stream";
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type { Replica } from "../../../src/remote/replica/replica";
import { ReplicaDatabase } from "../../../src/remote/replica/replicaDatabase";
import type { CommandTransport, Exit, RunningProcess } from "../../../src/remote/transport";
import type { Notifications, Params } from "../../../src/scheduler/control/protocol";
import { type Change, effects, type NewChange } from "../../../src/scheduler/state/changes";
import { Database } from "../../../src/scheduler/state/database";
import { wasm } from "../scheduler/runFixture";
import { numbered } from "./runHistory";

/** A scheduler that a test leads: it remembers changes and answers whoever attaches, over real JSON-RPC streams. */
export class FakeScheduler implements CommandTransport {
  incarnation = 1;
  changes: Change[];
  /** Positions that clients attached with, and learners they watched. */
  readonly attachedAt: Params<"attach">["position"][] = [];
  readonly watched: (readonly number[])[] = [];
  readonly asked: string[] = [];
  /** Of each bridge, whether it might start a scheduler. */
  readonly mightStart: boolean[] = [];
  /** What happens while a client reads the snapshot. */
  onSnapshotRead: () => void = () => undefined;
  isReachable = true;
  /** Why no scheduler serves the run. */
  refusal: Error | null = null;
  answersPings = true;
  pings = 0;
  private rpc: MessageConnection | null = null;
  private exit: (exit: Exit) => void = () => undefined;

  constructor(changes: readonly NewChange[]) {
    this.changes = numbered(changes);
  }

  exec(argv: readonly string[], { signal }: { signal: AbortSignal }): Promise<RunningProcess> {
    this.mightStart.push(!argv.includes("--no-start"));
    if (this.refusal) return Promise.reject(this.refusal);
    if (!this.isReachable) return Promise.reject(new Error("no route"));
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const exit = new Promise<Exit>((resolve) => (this.exit = resolve));
    signal.addEventListener("abort", () => this.exit({ code: null, signal: "SIGTERM" }));
    this.rpc = this.serve(createMessageConnection(new StreamMessageReader(stdin), new StreamMessageWriter(stdout)));
    return Promise.resolve({ stdin, stdout, stderr, exit });
  }

  /** Records changes and tells the client. */
  record(...changes: NewChange[]): void {
    const fresh = numbered([...this.changes, ...changes]).slice(this.changes.length);
    this.changes.push(...fresh);
    this.send("changes", { incarnation: this.incarnation, changes: fresh });
  }

  send<N extends keyof Notifications>(name: N, params: Notifications[N]): void {
    void this.rpc?.sendNotification(name, params);
  }

  /** Ends the connection; the scheduler may be another one when the client comes back. */
  end(code = 0): void {
    this.exit({ code, signal: null });
  }

  private serve(rpc: MessageConnection): MessageConnection {
    let snapshot = new Uint8Array();
    rpc.onRequest("attach", async ({ position }: Params<"attach">) => {
      this.attachedAt.push(position);
      const here = { runId: "test-run", incarnation: this.incarnation, seq: this.changes.length };
      if (position?.incarnation === this.incarnation && position.seq <= here.seq) {
        this.send("changes", { incarnation: this.incarnation, changes: this.changes.slice(position.seq) });
        return { run: {}, position: here, snapshot: null };
      }
      const database = await Database.open(null, wasm);
      database.apply(this.changes.flatMap(effects));
      snapshot = Uint8Array.from(database.export());
      database.close();
      return { run: {}, position: here, snapshot: { bytes: snapshot.length } };
    });
    rpc.onRequest("snapshot/read", ({ offset }: Params<"snapshot/read">) => {
      this.onSnapshotRead();
      return { base64: Buffer.from(snapshot.subarray(offset, offset + 10_000)).toString("base64") };
    });
    rpc.onRequest("ping", () => {
      this.pings += 1;
      return this.answersPings ? null : new Promise(() => undefined);
    });
    rpc.onRequest("watch", ({ learners }: Params<"watch">) => {
      this.watched.push(learners);
      return null;
    });
    for (const method of ["startJobs", "stopJobs"]) {
      rpc.onRequest(method, () => {
        this.asked.push(method);
        return null;
      });
    }
    for (const method of ["retryLearners", "stopLearners", "reopenLearners"]) {
      rpc.onRequest(method, ({ learners }: Params<"retryLearners">) => {
        this.asked.push(method);
        return { moved: learners.length };
      });
    }
    rpc.onRequest("jobOutput", ({ job }: Params<"jobOutput">) => ({ text: `output of ${job}`, truncated: false }));
    rpc.listen();
    return rpc;
  }
}

/** A replica without its worker. */
export class ReplicaHere implements Replica {
  private database: ReplicaDatabase | null = null;
  isDisposed = false;

  async load(snapshot: Uint8Array): Promise<number> {
    this.database?.close();
    this.database = await ReplicaDatabase.open(snapshot, wasm);
    return this.database.seq;
  }

  applyChanges: Replica["applyChanges"] = async (changes) => {
    const database = await this.loaded();
    database.applyChanges(changes);
    return database.seq;
  };

  applyProgress: Replica["applyProgress"] = async (progress) => (await this.loaded()).applyProgress(progress);

  query: Replica["query"] = async (name, params) => (await this.loaded()).query(name, params);

  dispose(): void {
    this.isDisposed = true;
  }

  private loaded(): Promise<ReplicaDatabase> {
    return this.database === null ? Promise.reject(new Error("nothing is loaded")) : Promise.resolve(this.database);
  }
}
