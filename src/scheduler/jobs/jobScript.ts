import { walltimeSeconds, type Settings } from "../state/settings";
import { restoreVariables } from "../clusters/slurmVariables";
import { lastWord } from "./deaths";
import { afterLogin, ownNames } from "./loginShell";
import { forgetManagers } from "./managerVariables";
import { shellQuote } from "./quote";
import {
  allowedInSlurm,
  findLauncher,
  findMpiexec,
  goesWithoutMpi,
  loadsMpi,
  mayGoWithoutMpi,
  runInSlurm,
  slurmIdentity,
  slurmOptions,
  usesMpi,
} from "./slurmScript";

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
  settings: Pick<Settings, "queue" | "python" | "prelude" | "launcher" | "executor" | "resources" | "script">;
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
    ...(settings.script === null ? {} : { ADAPTIVE_SCRIPT: settings.script }),
  };
  return [
    "#!/bin/bash",
    ...(isSlurm ? slurmOptions(settings) : []),
    ...afterLogin,
    ...(isSlurm ? restoreVariables : [forgetManagers]),
    ...Object.entries(environment).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    ...(isSlurm ? slurmIdentity(options.jobs) : []),
    ...deadlineLines(settings.resources.walltime, isSlurm),
    // Read when the job starts: what was submitted long ago runs the newest code all the same.
    `code=${shellQuote(options.state)}/code`,
    ...findRevision,
    `trap 'code=$?; echo "${lastWord("prelude")} a line of the prelude ended the job with exit code $code"; ${isSlurm ? "note_end $code" : ":"}' EXIT`,
    ...settings.prelude,
    isSlurm ? "trap 'note_end $?' EXIT" : "trap - EXIT",
    // Behind the prelude, which may set them anew.
    `export PYTHONPATH="$code/$ADAPTIVE_REVISION":${shellQuote(options.client)}"\${PYTHONPATH:+:$PYTHONPATH}"`,
    `cd ${shellQuote(options.runDirectory)} || exit 1`,
    ...(isSlurm ? [] : shellInstead),
    ...ownNames,
    `python=${shellQuote(settings.python)}`,
    `command -v "$python" >/dev/null || { echo "${lastWord("no-python")} there is no Python at $python on $HOSTNAME"; exit 127; }`,
    ...launchLines(options),
    "",
  ].join("\n");
}

/** What somebody deletes of it is put back while the run is served. */
const findRevision = [
  "for ((waited = 0; waited < 20; waited++)); do",
  '  ADAPTIVE_REVISION=; [ -f "$code/current" ] && read -r ADAPTIVE_REVISION <"$code/current"',
  '  [ -n "$ADAPTIVE_REVISION" ] && [ -d "$code/$ADAPTIVE_REVISION" ] && break',
  "  sleep 1",
  "done",
  `[ "$waited" -lt 20 ] || { echo "${lastWord("no-code")} $code/current names no code of this run on $HOSTNAME"; exit 1; }`,
  "export ADAPTIVE_REVISION",
];

/** For a terminal in the job. What a person starts there must not pass for the job's own process. */
const shellInstead = ['if [ "${ADAPTIVE_SHELL-}" ]; then unset ADAPTIVE_JOB_ID; exec "$ADAPTIVE_SHELL"; fi'];

/** When this script begins, the walltime does; the queue may give less than was asked for, or a limit of its own. */
function deadlineLines(walltime: string | null, isSlurm: boolean): string[] {
  if (walltime === null && !isSlurm) return [];
  return [
    `seconds=${walltime === null ? "" : walltimeSeconds(walltime)}`,
    ...(isSlurm ? allowedInSlurm : []),
    '[ -z "$seconds" ] || export ADAPTIVE_WALLTIME_SECONDS=$seconds ADAPTIVE_DEADLINE=$(($(date +%s) + seconds))',
  ];
}

function launchLines({ settings, state, tries }: JobScriptOptions): string[] {
  const { queue, launcher, executor, resources } = settings;
  const script = tries ? null : settings.script;
  const module = tries ? "-m adaptive_scheduler.try_point" : "-m adaptive_scheduler.run";
  const program = script === null ? module : "-m adaptive_scheduler.script";
  const isMpi = usesMpi(executor, launcher);
  const ranks = resources.cores + 1;
  if (queue === "slurm") {
    const steps = script === null ? oneStep : stepsUntilNothingIsLeft;
    if (!isMpi) return runInSlurm(`"$python" ${program}`, steps);
    const ofMpi = `launch "$how" ${ranks} ${rank} "$python" -m mpi4py.futures ${program}`;
    const words = `{ [ "$how" != none ] || exec "$python" ${program}; ${ofMpi}; }`;
    return [...findLauncher(state, { ...settings, script }), ...runInSlurm(words, steps)];
  }
  const start = (words: string) => (script === null ? [`exec ${words} </dev/null`] : runSteps(`${words} </dev/null`));
  if (!isMpi) return start(`"$python" ${program}`);
  return [
    ...findMpiexec(launcher),
    ...(mayGoWithoutMpi({ executor, launcher, script }) ? withoutMpi(`"$python" ${program}`) : []),
    `command -v "$mpiexec" >/dev/null || { echo "${lastWord("no-launcher")} there is no MPI launcher $mpiexec on $HOSTNAME"; exit 127; }`,
    ...start(`"$mpiexec" -n ${ranks} ${rank} "$python" -m mpi4py.futures ${program}`),
  ];
}

/**
 * Before the words of an MPI process: launchers leave its input open, and a `breakpoint()` would wait there for ever.
 * Not bash, which would read what `BASH_ENV` names first.
 */
const rank = `sh -c 'exec "$@" </dev/null' rank`;

/** Where there is no launcher, or mpi4py has no library, the job's Python starts processes of its own. */
function withoutMpi(words: string): string[] {
  return [
    `if ! command -v "$mpiexec" >/dev/null || ! ${loadsMpi}; then`,
    ...goesWithoutMpi,
    `  exec ${words} </dev/null`,
    "fi",
  ];
}

/** Here a signal to the job reaches its processes too: they save, and this shell stays to see how they end. */
function runSteps(words: string): string[] {
  return ["signals=", "trap 'signals=1' TERM USR1", `step() { ${words}; status=$?; }`, ...stepsUntilNothingIsLeft];
}

const oneStep = ["step", 'exit "$status"'];

/**
 * A script of the user's runs one learner: it is run again until it says (75) that nothing is left,
 * a signal came, or it died twice in a row within half a minute.
 */
const stepsUntilNothingIsLeft = [
  "deaths=0",
  "while :; do",
  "  SECONDS=0",
  "  step",
  '  if [ "$status" = 75 ]; then exit 0; fi',
  '  if [ -n "$signals" ]; then exit "$status"; fi',
  '  if [ "$status" = 0 ] || [ "$SECONDS" -ge 30 ]; then deaths=0; else deaths=$((deaths + 1)); fi',
  '  if [ "$deaths" -ge 2 ]; then exit "$status"; fi',
  "done",
];
