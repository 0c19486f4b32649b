import { userInfo } from "node:os";
import type { Cluster } from "./cluster";
import { localCluster } from "./local";
import { slurmCluster } from "./slurm";
import type { Marked } from "./slurmMark";

/** What is asked of a run's own queue. */
export function clusterOfQueue(queue: "local" | "slurm", run: Marked): Cluster {
  return queue === "slurm" ? slurmCluster({ ...run, user: userInfo().username }) : localCluster(run.folder, run.name);
}
