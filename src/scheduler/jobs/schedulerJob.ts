import { shellQuote } from "./quote";
import type { Settings } from "../state/settings";
import type { ClusterCommand } from "../clusters/cluster";
import { slurmCommand } from "../clusters/slurm";
import { refusalOf } from "../clusters/slurmRefusal";
import { forgetVariables, wishesBeside } from "../clusters/slurmVariables";

export interface SchedulerJobOptions {
  runId: string;
  user: string;
  /** The run's state folder, absolute; what the scheduler prints goes to `serve.out` there. */
  folder: string;
  /** What serves the run. */
  argv: readonly string[];
  resources: Pick<Settings["resources"], "walltime" | "partition" | "account" | "extraLines">;
}

/** The job of a scheduler, as the queue has it. */
export interface QueuedScheduler {
  id: string;
  isWaiting: boolean;
  /** The queue's own word for why it waits, or `None`. */
  reason: string;
}

/** A scheduler in a small job of Slurm's own, for sites that end what a login session leaves running. */
export function schedulerJob({ runId, user, folder, argv, resources }: SchedulerJobOptions): {
  submit: () => ClusterCommand<void>;
  /** Null when there is none that runs or will. */
  find: () => ClusterCommand<QueuedScheduler | null>;
} {
  const name = `adaptive-scheduler-${runId.slice(0, 8)}`;
  const comment = `adaptive-scheduler:${runId}`;
  const { walltime, partition, account, extraLines } = resources;
  const asked = { time: walltime, partition, account };
  const options = [
    ...["--parsable", `--job-name=${name}`, `--comment=${comment}`, "--requeue"],
    ...["--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--mem=1G", "--signal=B:USR1@60"],
    ...Object.entries(asked).flatMap(([option, value]) => (value === null ? [] : [`--${option}=${value}`])),
    // Relative to the folder, in whose name no % is expanded.
    ...[`--chdir=${folder}`, "--output=serve.out", "--open-mode=truncate"],
  ];
  const asScript = script(argv, options, extraLines);
  return {
    submit: () => ({
      ...slurmCommand(["sbatch", ...options], () => undefined, refusalOf, wishesBeside(asScript)),
      stdin: asScript,
    }),
    find: () =>
      slurmCommand(
        [
          ...["squeue", "--noheader", `--user=${user}`, `--Format=${fields}`],
          "--states=PENDING,CONFIGURING,RUNNING,SUSPENDED",
        ],
        (output) => {
          const jobs = output.split(end).map((record) => record.trimStart().split(separator));
          // Sites rewrite comments, and names.
          const ours = jobs.find(
            ([, , jobName, said, at]) =>
              said === comment || jobName === name || (at === folder && !said?.startsWith("adaptive")),
          );
          if (!ours) return null;
          const [id = "", state, , , , reason = ""] = ours;
          return { id, isWaiting: state === "PENDING", reason };
        },
      ),
  };
}

const [separator, end] = ["\x1f", "\x1e"];
const fields = `${["JobID", "State", "Name", "Comment", "WorkDir"].map((field) => `${field}:${separator}`).join(",")},Reason:${end}`;

/** Before the walltime is over it hands over to the next such job; when it is cancelled, it does not. */
function script(argv: readonly string[], options: readonly string[], extraLines: readonly string[]): string {
  return [
    "#!/bin/bash",
    ...extraLines.filter((line) => /^#SBATCH (--(qos|reservation|wckey|clusters)\b|-q\b)/.test(line)),
    // What this job was given must not be asked for by those that it submits.
    forgetVariables(),
    `${argv.map(shellQuote).join(" ")} &`,
    "server=$! next=",
    `trap 'next=yes; kill -TERM "$server"' USR1`,
    `trap 'kill -TERM "$server"' TERM`,
    'while kill -0 "$server" 2>/dev/null; do wait "$server"; done',
    `[ -z "$next" ] || sbatch ${options.map(shellQuote).join(" ")} "$0"`,
    "",
  ].join("\n");
}
