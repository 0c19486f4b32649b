import type { Cluster } from "./clusters/cluster";
import type { Results } from "./control/protocol";
import { AdaptiveError } from "./state/errors";
import type { Model } from "./state/model";
import { asJobId, isRunning } from "./state/rows";

/**
 * What a terminal runs for a shell in a job.
 *
 * @throws AdaptiveError `no-job`, `job-ended` or `job-waits`
 */
export function jobShell(
  id: string,
  { jobs, run }: Pick<Model, "jobs" | "run">,
  cluster: Pick<Cluster, "shell">,
): Results["jobShell"] {
  const job = jobs.get(asJobId(id));
  if (!job) throw new AdaptiveError("no-job", `The run has no job ${id}.`, "See adaptive-scheduler jobs RUN.");
  const why = job.reason === null ? "" : ` (${job.reason})`;
  if (job.state === "ended") throw new AdaptiveError("job-ended", `Job ${id} has ended${why}.`);
  if (!isRunning(job)) {
    throw new AdaptiveError(
      "job-waits",
      `Job ${id} waits in the queue${why}.`,
      "A terminal can be opened once it runs.",
    );
  }
  return { argv: cluster.shell(id), directory: run.directory };
}
