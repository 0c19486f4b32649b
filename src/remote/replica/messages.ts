/** What passes between the editor's thread and the replica's worker: one answer for each request, by id. */
import type { Progress } from "../../scheduler/control/protocol";
import type { Change } from "../../scheduler/state/changes";
import type { QueryName } from "./queries";

export type ReplicaRequest =
  | { kind: "load"; snapshot: Uint8Array }
  | { kind: "changes"; changes: readonly Change[] }
  | { kind: "progress"; progress: Progress }
  | { kind: "query"; name: QueryName; params: unknown };

export interface ReplicaMessage {
  id: number;
  request: ReplicaRequest;
}

export type ReplicaAnswer =
  { id: number; result: unknown } | { id: number; error: { code: string; message: string; hint: string } };

export interface ReplicaWorkerData {
  /** File with the code of sql.js. */
  wasmFile: string;
}
