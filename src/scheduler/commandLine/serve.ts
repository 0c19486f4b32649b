import { Log } from "../log";
import { Scheduler } from "../server";
import { toAdaptiveError } from "../state/errors";
import type { RunDirectory } from "../state/runDirectory";
import type { CopyWish } from "../study/place";
import { keepInstalled } from "./installation";
import { findOrStartScheduler } from "./launch";
import { printFailure } from "./printFailure";
import { exitCodes, type Program } from "./program";
import { setServedInJob } from "./serveInJob";

/** Serves a run until it is told to end, or has nothing left to do. */
export async function serve(
  directory: RunDirectory,
  port: number | null,
  ifCopied: CopyWish,
  { assets }: Program,
): Promise<number> {
  const log = new Log(directory.log);
  keepInstalled(assets.folder);
  const ended = new Promise<void>((resolve, reject) => {
    Scheduler.serve({
      directory,
      assets,
      log,
      port,
      ifCopied,
      onDidEnd: resolve,
      onFatal: (error) => endAtOnce(log, error),
    }).then((scheduler) => {
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => void scheduler.close());
    }, reject);
  });
  await ended;
  return exitCodes.success;
}

/** Starts a scheduler that outlives this command, and returns when it answers. */
export async function serveInBackground(
  directory: RunDirectory,
  { isInJob, port, ifCopied }: { isInJob: boolean; port: number | null; ifCopied: CopyWish },
  program: Program,
): Promise<number> {
  await directory.readRunFile();
  await setServedInJob(directory, isInJob);
  await findOrStartScheduler(directory, program, { ifCopied, port });
  return exitCodes.success;
}

/** What is on disk is not known any more, or not ours: no word may leave this process. */
export function endAtOnce(log: Log, error: unknown): never {
  log.writeAtOnce(`ends at once: ${toAdaptiveError(error).message}`);
  printFailure(process.argv, error);
  process.exit(exitCodes.error);
}
