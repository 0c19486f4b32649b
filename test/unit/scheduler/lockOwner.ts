/** Owners of a lock in processes of their own, for lock.test.ts. Their orders come line by line. */
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { AdaptiveError } from "../../../src/scheduler/state/errors";
import { RunLock } from "../../../src/scheduler/state/lock";
import { asLearnerId } from "../../../src/scheduler/state/rows";
import { RunDirectory } from "../../../src/scheduler/state/runDirectory";
import { Store, systemWorld } from "../../../src/scheduler/state/store";

const [task, ...args] = process.argv.slice(2);
const print = (text: string) => process.stdout.write(`${text}\n`);
const codeOf = (error: unknown) => (error instanceof AdaptiveError ? error.code : String(error));

/** Takes each lock that it is told of, if it can. */
function race(): void {
  createInterface({ input: process.stdin }).on("line", (path) => {
    RunLock.acquire(path).then(
      () => print("won"),
      (error: unknown) => print(codeOf(error)),
    );
  });
}

/** Serves a run with one learner: prints the number of each change once it is on disk. */
async function serve(path: string, wasm: string): Promise<void> {
  const directory = new RunDirectory(path);
  const lock = await RunLock.acquire(directory.lock, { beatMs: 10 });
  const world = {
    ...systemWorld,
    confirmOwnership: () => lock.confirm(),
    onDiskFull: () => undefined,
    onFatal: (error: unknown) => {
      print(codeOf(error));
      process.exit(2);
    },
  };
  const store = await Store.open(directory, readFileSync(wasm), { host: "a", pid: 1, version: "0" }, world);
  for (let npoints = 1; ; npoints++) {
    store.record({ kind: "progressNoted", learners: [asLearnerId(0)], npoints: [npoints], loss: [null] });
    await store.synced();
    print(String(store.position.seq));
  }
}

if (task === "race") race();
else void serve(args[0] ?? "", args[1] ?? "");
