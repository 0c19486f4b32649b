import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { WorkerReplica } from "../../../src/remote/replica/replica";
import { temporaryFolder } from "../../unit/scheduler/runFixture";

/** A replica in a real worker, bundled as for the extension. */
export async function workerReplica(): Promise<WorkerReplica> {
  const workerFile = join(await temporaryFolder(), "replicaWorker.js");
  await build({
    entryPoints: ["src/remote/replica/replicaWorker.ts"],
    outfile: workerFile,
    platform: "node",
    format: "cjs",
    bundle: true,
  });
  const wasmFile = createRequire(import.meta.url).resolve("sql.js/dist/sql-wasm.wasm");
  const replica = new WorkerReplica({ workerFile, wasmFile });
  onTestFinished(() => replica.dispose());
  return replica;
}
