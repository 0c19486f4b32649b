import { Worker } from "node:worker_threads";
import type { Progress } from "../../scheduler/control/protocol";
import type { Change } from "../../scheduler/state/changes";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { ReplicaAnswer, ReplicaMessage, ReplicaRequest, ReplicaWorkerData } from "./messages";
import type { QueryName, ReplicaQueries } from "./queries";

/** The editor's copy of one run. Calls take effect in the order in which they are made. */
export interface Replica {
  /** Replaces everything by a snapshot; resolves to the number of the newest change in it. */
  load(snapshot: Uint8Array): Promise<number>;
  /** Resolves to the number of the newest change that is in; rejects with code `gap` when one is missing. */
  applyChanges(changes: readonly Change[]): Promise<number>;
  applyProgress(progress: Progress): Promise<void>;
  query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): Promise<ReplicaQueries[Q]["result"]>;
  dispose(): void;
}

/** A replica in a worker thread, because sql.js is synchronous and the extension host is shared with other extensions. */
export class WorkerReplica implements Replica {
  private worker: Worker | null = null;
  private lastId = 0;
  private readonly waiting = new Map<number, { resolve: (result: unknown) => void; reject: (why: Error) => void }>();

  /** @param files the bundled `replicaWorker.js` and the code of sql.js */
  constructor(private readonly files: { workerFile: string } & ReplicaWorkerData) {}

  async load(snapshot: Uint8Array): Promise<number> {
    this.worker ??= this.start();
    return (await this.ask({ kind: "load", snapshot })) as number;
  }

  async applyChanges(changes: readonly Change[]): Promise<number> {
    return (await this.ask({ kind: "changes", changes })) as number;
  }

  async applyProgress(progress: Progress): Promise<void> {
    await this.ask({ kind: "progress", progress });
  }

  async query<Q extends QueryName>(name: Q, params: ReplicaQueries[Q]["params"]): Promise<ReplicaQueries[Q]["result"]> {
    return (await this.ask({ kind: "query", name, params })) as ReplicaQueries[Q]["result"];
  }

  dispose(): void {
    void this.worker?.terminate();
    this.end(new AdaptiveError("replica-ended", "The run's view was closed"));
  }

  private start(): Worker {
    const { workerFile, wasmFile } = this.files;
    const worker = new Worker(workerFile, { workerData: { wasmFile } satisfies ReplicaWorkerData });
    worker.on("message", (answer: ReplicaAnswer) => this.settle(answer));
    const onEnd = (cause?: unknown): void => {
      if (worker === this.worker)
        this.end(new AdaptiveError("replica-ended", "The run's database ended", "", { cause }));
    };
    worker.on("error", onEnd);
    worker.on("exit", onEnd);
    return worker;
  }

  private ask(request: ReplicaRequest): Promise<unknown> {
    const { worker } = this;
    if (worker === null) return Promise.reject(new AdaptiveError("no-data", "Nothing is known of this run yet"));
    return new Promise((resolve, reject) => {
      const id = ++this.lastId;
      this.waiting.set(id, { resolve, reject });
      // The snapshot is moved, not copied: nobody here looks at it again.
      const moved = request.kind === "load" ? [request.snapshot.buffer as ArrayBuffer] : [];
      try {
        worker.postMessage({ id, request } satisfies ReplicaMessage, moved);
      } catch (cause) {
        // Nested too deeply for another thread.
        this.waiting.delete(id);
        reject(new AdaptiveError("unknown-message", "The scheduler sent what was not understood", "", { cause }));
      }
    });
  }

  private settle(answer: ReplicaAnswer): void {
    const waiting = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    if ("error" in answer) {
      const { code, message, hint } = answer.error;
      waiting?.reject(new AdaptiveError(code, message, hint));
    } else waiting?.resolve(answer.result);
  }

  /** The next `load` starts another worker. */
  private end(why: AdaptiveError): void {
    this.worker = null;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { reject } of waiting) reject(why);
  }
}
