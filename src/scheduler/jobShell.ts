import type { Cluster } from "./clusters/cluster";
import type { Results } from "./control/protocol";
import { AdaptiveError } from "./state/errors";
import type { Model } from "./state/model";
import { asJobId, isRunning, type JobRow } from "./state/rows";

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
  const job = knownJob(id, { jobs });
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

/**
 * A job that a person names.
 * @throws AdaptiveError `no-job`
 */
export function knownJob(id: string, { jobs }: Pick<Model, "jobs">): JobRow {
  const job = jobs.get(asJobId(id));
  if (job) return job;
  throw new AdaptiveError("no-job", `The run has no job ${id}.`, "See adaptive-scheduler jobs RUN.");
}
