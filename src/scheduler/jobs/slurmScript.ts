import { crc32 } from "../state/crc32";
import { walltimeSeconds, type Settings } from "../state/settings";
import { lastWord } from "./deaths";
import { shellQuote } from "./quote";

type Asked = Pick<Settings, "executor" | "launcher" | "resources">;

/** Before the walltime is over; Slurm may send it a minute earlier still. */
const warningSeconds = 60;

/** What a job asks Slurm for, as lines of its script. */
export function slurmOptions({ executor, launcher, resources }: Asked): string[] {
  const { cores, nodes, walltime, memory, partition, account, extraLines } = resources;
  const warning =
    walltime === null ? warningSeconds : Math.min(warningSeconds, Math.ceil(walltimeSeconds(walltime) / 10));
  const options: [string, string | number | null][] = usesMpi(executor, launcher)
    ? [
        ["ntasks", cores],
        ["nodes", nodes],
      ]
    : [
        // Processes that one Python starts are on one node.
        ["ntasks", 1],
        ["cpus-per-task", cores],
        ["nodes", 1],
      ];
  options.push(["time", walltime], ["mem-per-cpu", memory], ["partition", partition], ["account", account]);
  return [
    ...options.flatMap(([name, value]) => (value === null ? [] : [`#SBATCH --${name}=${value}`])),
    `#SBATCH --signal=B:USR1@${warning}`,
    ...extraLines,
  ];
}

export const usesMpi = (executor: Settings["executor"], launcher: Settings["launcher"]): boolean =>
  launcher !== "none" && executor !== "process-pool" && executor !== "loky";

/** Whether processes take the place of MPI where there is none: nobody has asked for MPI, and no script imports it. */
export const mayGoWithoutMpi = ({
  executor,
  launcher,
  script,
}: Pick<Settings, "executor" | "launcher" | "script">): boolean =>
  executor === "auto" && launcher === "auto" && script === null;

/**
 * What the job is, for its processes, and what it leaves behind: `<id>.end` with exit code, restart
 * and the signals it was sent. Each job has a file of its own: two nodes cannot append to one over NFS.
 *
 * @param jobs folder of the jobs' files, absolute
 */
export function slurmIdentity(jobs: string): string[] {
  return [
    'export ADAPTIVE_JOB_ID="${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID" ADAPTIVE_RESTART="${SLURM_RESTART_COUNT:-0}"',
    `end=${shellQuote(jobs)}/"$ADAPTIVE_JOB_ID.end"`,
    "signals=",
    `note_end() { echo "$1 $ADAPTIVE_RESTART$signals" >"$end.tmp" && mv "$end.tmp" "$end"; }`,
  ];
}

/** Sets `seconds` to what Slurm allows the job from now on; newer versions say so unasked. */
export const allowedInSlurm = [
  'left=$([ "${SLURM_JOB_END_TIME-}" ] || timeout 30 squeue --noheader --jobs="$SLURM_JOB_ID" --format=%L 2>/dev/null)',
  'if [ "${SLURM_JOB_END_TIME-}" ]; then seconds=$((SLURM_JOB_END_TIME - $(date +%s)))',
  "elif [[ $left =~ ^(([0-9]+)-)?(([0-9]+):)?([0-9]+):([0-9]+)$ ]]; then",
  "  part() { echo $((10#${BASH_REMATCH[$1]:-0})); }",
  "  seconds=$(((($(part 2) * 24 + $(part 4)) * 60 + $(part 5)) * 60 + $(part 6)))",
  "fi",
];

/**
 * Defines `step`, which starts a job's processes and waits for them; then does what is to be done with
 * it, which leaves its exit code in `status`. Slurm tells this shell that the walltime is nearly
 * over, or that the job must end, and it tells them.
 *
 * @param words of the command, for the shell
 * @param steps lines that call `step` and exit
 */
export function runInSlurm(words: string, steps: readonly string[]): string[] {
  return [
    'pass() { signals+=" $1" caught=1; [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null; }',
    "trap 'pass USR1' USR1",
    // Noted down now: Slurm may kill this shell together with the last process that does not end.
    "trap 'pass TERM; note_end 143' TERM",
    "step() {",
    "  child=",
    `  ${words} </dev/null &`,
    "  child=$! caught=1",
    // What came before this shell knew whom to tell.
    '  for signal in $signals; do kill -s "$signal" "$child" 2>/dev/null; done',
    // A signal ends `wait`, not what is waited for; 127 says that there is nothing to wait for any more.
    '  while [ "$caught" ]; do caught=; wait "$child"; new=$?; [ $new = 127 ] || status=$new; done',
    "}",
    ...steps,
  ];
}

/**
 * Finds what starts the processes of an MPI job: sets `how` and defines `launch HOW N COMMAND…`. A launcher
 * that does not fit the MPI library may start N processes each of which takes itself for the only one: two
 * are asked before, and what was found is kept for the run's other jobs. Where processes may take the place
 * of MPI and must, `how` is `none`; that is not kept, for somebody may bring MPI.
 *
 * @param state the run's state folder, absolute
 */
export function findLauncher(
  state: string,
  settings: Pick<Settings, "python" | "prelude" | "launcher" | "executor" | "script">,
): string[] {
  const { python, prelude, launcher } = settings;
  const mayGoWithout = mayGoWithoutMpi(settings);
  const candidates = { auto: "pmi2 pmix srun mpiexec", srun: "pmi2 pmix srun", mpiexec: "mpiexec", none: "" }[launcher];
  // Another Python or prelude may bring another MPI.
  const key = crc32(Buffer.from(JSON.stringify([python, prelude, launcher])))
    .toString(16)
    .padStart(8, "0");
  return [
    ...findMpiexec(launcher),
    "launch() {",
    "  local how=$1 n=$2; shift 2",
    "  case $how in",
    '    mpiexec) exec $limit "$mpiexec" -n "$n" "$@" ;;',
    '    srun) exec $limit srun --overcommit --kill-on-bad-exit=1 --ntasks="$n" "$@" ;;',
    '    *) exec $limit srun --mpi="$how" --overcommit --kill-on-bad-exit=1 --ntasks="$n" "$@" ;;',
    "  esac",
    "}",
    `known=${shellQuote(state)}/launcher-${key}`,
    "how=",
    '[ -f "$known" ] && read -r how <"$known" 2>/dev/null',
    // What somebody else wrote there is no answer.
    `[[ " ${candidates} " == *" $how "* ]] || how=`,
    ...(mayGoWithout ? [`${loadsMpi} || how=none`] : []),
    `for candidate in ${candidates}; do`,
    '  [ -z "$how" ] || break',
    '  said=$(limit="timeout 120"; launch "$candidate" 2 "$python" -m adaptive_scheduler.probe_mpi 2>&1 </dev/null)',
    `  if [[ $said == *'"world": 2'* ]]; then`,
    '    how=$candidate; echo "$how" >"$known.$ADAPTIVE_JOB_ID"; mv "$known.$ADAPTIVE_JOB_ID" "$known"',
    '    echo "Processes are started by $how, which joins two of them to one MPI world."',
    "  else",
    '    echo "$candidate does not join two processes to one MPI world: $said"',
    "  fi",
    "done",
    ...(mayGoWithout
      ? ['[ "$how" ] || how=none', 'if [ "$how" = none ]; then', ...goesWithoutMpi, ...coresOfNode, "fi"]
      : [
          `[ "$how" ] || { echo "${lastWord("no-launcher")} none of ${candidates} joins two processes of $python to one MPI world on $HOSTNAME"; exit 127; }`,
        ]),
    "limit=",
  ];
}

/** Whether the job's Python has mpi4py and that its library. */
export const loadsMpi =
  '"$python" -c "import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI" >/dev/null 2>&1';

/** Says so to whoever reads the output, and lets the job's Python say it to the scheduler. */
export const goesWithoutMpi = [
  '  echo "There is no MPI on $HOSTNAME: processes evaluate the points."',
  "  export ADAPTIVE_WITHOUT_MPI=1",
];

/** Processes that one Python starts are on one node, whatever the job was given for ranks of MPI. */
const coresOfNode = [
  '  [ "${SLURM_CPUS_ON_NODE:-$ADAPTIVE_CORES}" -ge "$ADAPTIVE_CORES" ] || export ADAPTIVE_CORES=$SLURM_CPUS_ON_NODE',
];

/** An MPI from a wheel brings its launcher along, which is the one that belongs to mpi4py. */
export function findMpiexec(launcher: Settings["launcher"]): string[] {
  if (launcher !== "auto") return ["mpiexec=mpiexec"];
  return ['mpiexec="$(dirname "$(command -v "$python")")/mpiexec"', '[ -x "$mpiexec" ] || mpiexec=mpiexec'];
}
