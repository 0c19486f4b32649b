/** The worker thread that holds the replica of one run; see `replica.ts` for its other side. */
import { readFile } from "node:fs/promises";
import { parentPort, workerData } from "node:worker_threads";
import { toAdaptiveError } from "../../scheduler/state/errors";
import { AdaptiveError } from "../../scheduler/state/errors";
import type { ReplicaAnswer, ReplicaMessage, ReplicaRequest, ReplicaWorkerData } from "./messages";
import type { QueryName, ReplicaQueries } from "./queries";
import { ReplicaDatabase } from "./replicaDatabase";

const { wasmFile } = workerData as ReplicaWorkerData;
let replica: ReplicaDatabase | null = null;

/** Requests are served one after the other: changes must find the snapshot that was sent before them. */
let served: Promise<void> = Promise.resolve();
parentPort?.on("message", (message: ReplicaMessage) => {
  served = served.then(() => answer(message));
});

/** Not even an answer that cannot be sent leaves somebody waiting, or those behind it. */
async function answer({ id, request }: ReplicaMessage): Promise<void> {
  const send = (said: ReplicaAnswer): void => parentPort?.postMessage(said);
  try {
    send({ id, result: await serve(request) });
  } catch (error) {
    const { code, message, hint } = toAdaptiveError(error);
    send({ id, error: { code, message, hint } });
  }
}

async function serve(request: ReplicaRequest): Promise<unknown> {
  if (request.kind === "load") {
    const loaded = await ReplicaDatabase.open(request.snapshot, await readFile(wasmFile));
    replica?.close();
    replica = loaded;
    return loaded.seq;
  }
  if (replica === null) throw new AdaptiveError("no-data", "Nothing is known of this run yet");
  switch (request.kind) {
    case "changes":
      replica.applyChanges(request.changes);
      return replica.seq;
    case "progress":
      replica.applyProgress(request.progress);
      return null;
    case "query":
      return replica.query(request.name, request.params as ReplicaQueries[QueryName]["params"]);
  }
}
