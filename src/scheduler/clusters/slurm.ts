import { AdaptiveError } from "../state/errors";
import type { Cluster, ClusterCommand, CommandOutput } from "./cluster";
import { listingFields, parseAccounts, parseListing } from "./slurmListing";
import { markOf, type Marked } from "./slurmMark";
import { refusalOf } from "./slurmRefusal";
import { forgetVariables, wishesBeside } from "./slurmVariables";

export interface SlurmOptions extends Marked {
  user: string;
}

/**
 * A Slurm cluster, by its commands; 20.11, 22.05, 24.11 and 26.05 are in the tests. A job's id is
 * that of the queue, `123_4` for a task of an array; all jobs are tasks of arrays. What a job asks for is said in
 * its script.
 */
export function slurmCluster({ user, ...run }: SlurmOptions): Cluster {
  return {
    isExact: false,
    largestArray: () => slurmCommand(["scontrol", "show", "config"], parseLargestArray),
    submit: ({ number, count, script, excludedNodes }) => {
      const { comment, name, folder } = markOf(run, number);
      const command = slurmCommand(
        [
          ...["sbatch", "--parsable", `--array=0-${count - 1}`, `--comment=${comment}`, `--job-name=${name}`],
          // A job that the queue starts anew would find its learner given to another.
          "--no-requeue",
          ...(excludedNodes.length > 0 ? [`--exclude=${excludedNodes.join(",")}`] : []),
          // Relative to the folder, in whose name no % is expanded.
          ...[`--chdir=${folder}`, "--output=%A_%a.out", "--open-mode=append"],
        ],
        (output) => {
          const [, array] = /^(\d+)(?:;\S*)?$/m.exec(output) ?? [];
          if (array === undefined) throw garbled("sbatch", output);
          return Array.from({ length: count }, (_, i) => ({ id: `${array}_${i}`, name }));
        },
        refusalOf,
        wishesBeside(script),
      );
      return { ...command, stdin: script };
    },
    list: (known) =>
      // With those that ended in the last minutes, which most often tells how they did.
      slurmCommand(
        ["squeue", "--noheader", "--array", "--states=all", `--user=${user}`, `--Format=${listingFields}`],
        (output) => parseListing(output, run, known),
      ),
    account: (jobs) =>
      slurmCommand(
        [
          ...["sacct", "--noheader", "--allocations", "--parsable2", "--format=JobID,State,ExitCode"],
          `--jobs=${jobs.join(",")}`,
        ],
        parseAccounts,
        ({ stderr }) =>
          stderr.includes("accounting storage is disabled")
            ? new AdaptiveError("no-accounts", "This Slurm keeps no account of ended jobs.")
            : null,
      ),
    cancel: (jobs, force) =>
      slurmCommand(
        ["scancel", ...(force ? ["--signal=KILL"] : []), ...inArrays(jobs)],
        () => undefined,
        // Of those that have ended already there is nothing to say.
        ({ stderr }) => (onlyEnded.test(stderr) ? undefined : null),
      ),
    shell: (job) => ["bash", "-c", shellScript, "adaptive", job],
  };
}

const sentinel = "end of list";

// `srun` takes no task of an array, but the id that each of them has besides. The step waits for
// nothing that the job's own steps have: not for cores (--overlap), nor for memory.
const shellScript = `${forgetVariables()}
  id=$(squeue --noheader --jobs="$1" --format=%A) || exit 1
  if [ -z "$id" ]; then echo "Job $1 has ended." >&2; exit 1; fi
  exec srun --jobid="$id" --overlap --nodes=1 --ntasks=1 --mem=0 --mpi=none --pty sh -c 'exec "\${SHELL:-sh}" -l'`;

/**
 * A command whose output counts only when it got to its end.
 *
 * @param explain turns a failure into an error of its own; undefined when it is none
 * @param keptVariables of Slurm's, which the command is to take orders from
 */
export function slurmCommand<T>(
  argv: readonly string[],
  parse: (stdout: string) => T,
  explain: (output: CommandOutput, command: string) => AdaptiveError | null | undefined = () => null,
  keptVariables: readonly string[] = [],
): ClusterCommand<T> {
  const script = `${forgetVariables(keptVariables)}
    export LC_ALL=C
    "$@" && echo "${sentinel}"`;
  const shown = argv.filter((word) => !word.startsWith("--Format=")).join(" ");
  return {
    argv: ["bash", "-c", script, "adaptive", ...argv],
    deadlineMs: 60_000,
    parse: (output) => {
      const end = output.stdout.lastIndexOf(`${sentinel}\n`);
      if (output.exitCode === 0 && end >= 0) return parse(output.stdout.slice(0, end));
      const error = output.exitCode === 127 ? missing(argv[0] ?? "") : explain(output, shown);
      if (error === undefined) return parse("");
      throw error ?? failed(output, shown);
    },
  };
}

function missing(program: string): AdaptiveError {
  return new AdaptiveError(
    "command-missing",
    `There is no command ${program} on this machine.`,
    "Start the scheduler where Slurm's commands are on PATH, or set queue to local.",
  );
}

function failed({ exitCode, stderr }: CommandOutput, command: string): AdaptiveError {
  const words = stderr.trim() || `it ended with exit code ${exitCode}`;
  return new AdaptiveError("slurm-failed", `Slurm says: ${words} (${command}).`);
}

function garbled(program: string, output: string): AdaptiveError {
  return new AdaptiveError("queue-garbled", `The output of ${program} is not understood: "${output.slice(0, 200)}".`);
}

function parseLargestArray(output: string): number {
  const [, largest] = /^MaxArraySize\s*=\s*(\d+)$/m.exec(output) ?? [];
  if (largest === undefined) throw garbled("scontrol show config", output);
  return Math.max(1, Number(largest));
}

const onlyEnded = /^(scancel: error: .*(Invalid job id|already completing or completed).*\s*)+$/;

/** The same jobs in fewer words: `123_1`, `123_2` and `123_5` are `123_[1-2,5]`, which is one request. */
export function inArrays(jobs: readonly string[]): string[] {
  const tasks = new Map<string, number[]>();
  for (const job of jobs) {
    const [array = "", task] = job.split("_");
    tasks.set(array, [...(tasks.get(array) ?? []), ...(task === undefined ? [] : [Number(task)])]);
  }
  return [...tasks].map(([array, numbers]) => (numbers.length > 0 ? `${array}_[${ranges(numbers)}]` : array));
}

function ranges(numbers: readonly number[]): string {
  const found: { first: number; last: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const newest = found.at(-1);
    if (newest && number <= newest.last + 1) newest.last = number;
    else found.push({ first: number, last: number });
  }
  return found.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
