import { join } from "node:path";
import { formatBytes } from "../control/bytes";
import { ask } from "../control/dealer";
import { AdaptiveError } from "../state/errors";
import { RunLock } from "../state/lock";
import { forgetRun, registeredRuns } from "../state/registry";
import type { RunDirectory } from "../state/runDirectory";
import { moveToTrash, planDeletion, type Deletion, type Heap } from "../study/deletion";
import { findScheduler, shutDown } from "./launch";
import { exitCodes, type Program } from "./program";
import { plural } from "../state/counts";

export interface DeleteOptions {
  /** The learners' data files as well. */
  data: boolean;
  /** Without being asked. */
  yes: boolean;
  dryRun: boolean;
  json: boolean;
}

/**
 * Moves a run that has no jobs into its folder's trash.
 *
 * @throws AdaptiveError `jobs-live`, `not-confirmed`, `other-file-system`
 */
export async function deleteRun(
  directory: RunDirectory,
  { data, yes, dryRun, json }: DeleteOptions,
  program: Program,
): Promise<number> {
  const wasm = await program.assets.wasm();
  await checkIdle(directory);
  const plan = await planDeletion(directory, wasm);
  if (plan.liveJobs > 0) throw jobsLive(plan.run.name, plan.liveJobs);
  if (!json) program.print(describe(directory, plan, data));
  if (dryRun) {
    const { state, data: heap, outside } = plan;
    if (json) program.printJson({ name: plan.run.name, state, data: heap, outside });
    return exitCodes.success;
  }
  if (!yes && !(await program.confirm(`Move ${data ? "both" : "the run's state"} to the trash?`))) {
    throw new AdaptiveError("not-confirmed", "Nothing was moved.", "Say --yes to be asked nothing.");
  }
  const trash = await deleteLocked(directory, data, wasm).catch((error: unknown) => {
    throw directory.explain(error);
  });
  if (json) program.printJson({ trash });
  else program.print(`Moved to ${trash}\nMoving it back restores the run; deleting it there frees the space.`);
  return exitCodes.success;
}

/** Holds the run's lock, so that nobody begins to serve it meanwhile. */
async function deleteLocked(directory: RunDirectory, data: boolean, wasm: Uint8Array): Promise<string> {
  await shutDown(directory);
  const lock = await RunLock.acquire(directory.lock);
  let lockPath = directory.lock;
  try {
    const { run, liveJobs, dataFiles } = await planDeletion(directory, wasm);
    if (liveJobs > 0) throw jobsLive(run.name, liveJobs);
    const trash = await moveToTrash(directory, run, data ? dataFiles : [], new Date());
    lockPath = join(trash, directory.folder, "lock");
    const known = (await registeredRuns()).find(({ runId }) => runId === run.runId);
    // A copy that is deleted leaves the original in the list.
    if (known?.directory.own === directory.own) await forgetRun(run.runId);
    return trash;
  } finally {
    await lock.release(lockPath);
  }
}

/** A scheduler knows of jobs that the queue does not show yet. */
async function checkIdle(directory: RunDirectory): Promise<void> {
  const address = await findScheduler(directory);
  if (!address) return;
  const { run, jobs } = await ask(address, "status", {});
  const live = Object.values(jobs).reduce((sum, count) => sum + count, 0);
  if (live > 0) throw jobsLive(run.name, live);
}

function jobsLive(name: string, count: number): AdaptiveError {
  return new AdaptiveError(
    "jobs-live",
    `${name} still has ${plural(count, "job")}.`,
    "Stop them first: adaptive-scheduler stop RUN",
  );
}

function describe({ own, path }: RunDirectory, { run, state, data, outside }: Deletion, withData: boolean): string {
  const kept = withData ? "" : "; kept, --data moves them too";
  return [
    `${run.name} in ${path}`,
    `  state  ${heapWords(state)}: ${own}`,
    `  data   ${heapWords(data)}${kept}`,
    ...(outside.length > 0
      ? [`  data outside the folder, always kept: ${plural(outside.length, "file")}, e.g. ${outside[0] ?? ""}`]
      : []),
  ].join("\n");
}

function heapWords({ files, bytes }: Heap): string {
  return `${plural(files, "file")}, ${formatBytes(bytes)}`;
}
