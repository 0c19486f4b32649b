import { walltimeSeconds, type Settings } from "../state/settings";
import { lastWord } from "./deaths";
import { shellQuote } from "./quote";
import { findLauncher, findMpiexec, runInSlurm, slurmIdentity, slurmOptions, usesMpi } from "./slurmScript";

export interface JobScriptOptions {
  /** Absolute. */
  runDirectory: string;
  /** Folder that holds the package `adaptive_scheduler`, absolute. */
  client: string;
  /** The run's state folder, absolute; the file `code/current` in it names the newest code revision. */
  state: string;
  /** Folder of the jobs' files, absolute. */
  jobs: string;
  /** Relative to the code. */
  learnersFile: string;
  resourceClass: string;
  /** Learners to try a point of, instead of running learners. */
  tries: readonly { learner: number; index: number; fname: string | string[] }[] | null;
  settings: Pick<Settings, "queue" | "python" | "prelude" | "launcher" | "executor" | "resources">;
}

/**
 * The script of a job. With MPI it is one world, whose rank 0 coordinates `cores` workers;
 * else one process, which starts `cores` more.
 */
export function jobScript(options: JobScriptOptions): string {
  const { settings } = options;
  const isSlurm = settings.queue === "slurm";
  const environment = {
    ADAPTIVE_RUN_DIR: options.runDirectory,
    ADAPTIVE_STATE_DIR: options.state,
    ...(isSlurm ? {} : { ADAPTIVE_RESTART: "0" }),
    ADAPTIVE_CLASS: options.resourceClass,
    ADAPTIVE_LEARNERS_FILE: options.learnersFile,
    ADAPTIVE_EXECUTOR: settings.executor,
    ADAPTIVE_CORES: String(settings.resources.cores),
    // Each worker computes on one core: a threaded BLAS in all of them would fight over it.
    MKL_NUM_THREADS: "1",
    OPENBLAS_NUM_THREADS: "1",
    OMP_NUM_THREADS: "1",
    NUMEXPR_NUM_THREADS: "1",
    PYTHONUNBUFFERED: "1",
    ...(options.tries ? { ADAPTIVE_TRY: JSON.stringify(options.tries) } : {}),
  };
  return [
    // A login shell: it is where module and conda are set up.
    "#!/bin/bash -l",
    ...(isSlurm ? slurmOptions(settings) : []),
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    ...(isSlurm ? slurmIdentity(options.jobs) : []),
    ...deadlineLines(settings.resources.walltime),
    // Read when the job starts: what was submitted long ago runs the newest code all the same.
    `code=${shellQuote(options.state)}/code`,
    `ADAPTIVE_REVISION=$(cat "$code/current") || exit 1`,
    `export ADAPTIVE_REVISION`,
    `export PYTHONPATH="$code/$ADAPTIVE_REVISION":${shellQuote(options.client)}"\${PYTHONPATH:+:$PYTHONPATH}"`,
    `trap 'code=$?; echo "${lastWord("prelude")} a line of the prelude ended the job with exit code $code"; ${isSlurm ? "note_end $code" : ":"}' EXIT`,
    ...settings.prelude,
    isSlurm ? "trap 'note_end $?' EXIT" : "trap - EXIT",
    `cd ${shellQuote(options.runDirectory)} || exit 1`,
    `python=${shellQuote(settings.python)}`,
    `command -v "$python" >/dev/null || { echo "${lastWord("no-python")} there is no Python at $python on $HOSTNAME"; exit 127; }`,
    ...launchLines(options, options.tries ? "adaptive_scheduler.try_point" : "adaptive_scheduler.run"),
    "",
  ].join("\n");
}

function deadlineLines(walltime: string | null): string[] {
  if (walltime === null) return [];
  const seconds = walltimeSeconds(walltime);
  // When this script begins, the walltime does.
  return [`export ADAPTIVE_WALLTIME_SECONDS=${seconds} ADAPTIVE_DEADLINE=$(( $(date +%s) + ${seconds} ))`];
}

function launchLines({ settings, state }: JobScriptOptions, module: string): string[] {
  const { queue, launcher, executor, resources } = settings;
  const isMpi = usesMpi(executor, launcher);
  const ranks = resources.cores + 1;
  if (queue === "slurm") {
    return isMpi
      ? [
          ...findLauncher(state, settings),
          ...runInSlurm(`launch "$how" ${ranks} "$python" -m mpi4py.futures -m ${module}`),
        ]
      : runInSlurm(`"$python" -m ${module}`);
  }
  if (!isMpi) return [`exec "$python" -m ${module}`];
  return [
    ...findMpiexec(launcher),
    `command -v "$mpiexec" >/dev/null || { echo "${lastWord("no-launcher")} there is no MPI launcher $mpiexec on $HOSTNAME"; exit 127; }`,
    `exec "$mpiexec" -n ${ranks} "$python" -m mpi4py.futures -m ${module}`,
  ];
}
