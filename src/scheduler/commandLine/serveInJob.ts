import { access, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { runCommand } from "../clusters/runCommand";
import { schedulerJob } from "../jobs/schedulerJob";
import type { Address } from "../control/dealer";
import { AdaptiveError } from "../state/errors";
import { releaseDead } from "../state/lock";
import { readModel } from "../state/recovery";
import type { RunDirectory } from "../state/runDirectory";
import { settingsOf } from "../state/settings";
import type { Program } from "./program";

/** The queue starts what is small and fits at once; for anything else somebody waits who has more time. */
const patienceMs = 20_000;
const checkMs = 500;

/** Notes down where the run's schedulers are started from now on: in a job of the queue, or as a process on the spot. */
export function setServedInJob({ servedInJob }: RunDirectory, isInJob: boolean): Promise<void> {
  return isInJob ? writeFile(servedInJob, "", { mode: 0o600 }) : rm(servedInJob, { force: true });
}

export function isServedInJob({ servedInJob }: RunDirectory): Promise<boolean> {
  return access(servedInJob).then(
    () => true,
    () => false,
  );
}

/**
 * Submits a job that serves the run, unless one is in the queue already, and waits a moment for it.
 *
 * @param find the scheduler, or null while there is none
 * @throws AdaptiveError `scheduler-queued` while it waits in the queue, `no-queue`, why the queue refuses it, or null
 *   for one that ended without a word
 */
export async function serveInJob(
  directory: RunDirectory,
  { self, assets }: Pick<Program, "self" | "assets">,
  find: () => Promise<Address | null>,
): Promise<Address | null> {
  const model = await readModel(directory, await assets.wasm());
  const { queue, resources } = settingsOf(model.run);
  if (queue !== "slurm") {
    throw new AdaptiveError(
      "no-queue",
      `The jobs of this run are processes of this machine: there is no queue that its scheduler could wait in.`,
      "Serve it without --in-job.",
    );
  }
  const job = schedulerJob({
    ...{ runId: model.run.runId, user: userInfo().username, folder: directory.own, resources },
    argv: [...self, "serve", directory.own, "--json"],
  });
  if ((await runCommand(job.find())) === null) {
    await releaseDead(directory.lock);
    await runCommand(job.submit());
  }
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += checkMs) {
    const address = await find();
    if (address) return address;
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
  const queued = await runCommand(job.find());
  if (queued === null) return find();
  throw new AdaptiveError(
    "scheduler-queued",
    queued.isWaiting
      ? `The scheduler waits in the queue as job ${queued.id} (${queued.reason}).`
      : `The scheduler is being started in job ${queued.id}.`,
    "It comes up by itself, and the run is shown then.",
  );
}
