import { hostname } from "node:os";
import { AdaptiveError } from "../state/errors";
import type { Cluster, ClusterCommand, CommandOutput, QueuedJob } from "./cluster";
import { exitCodeOf } from "./exitCode";

/**
 * This machine as a cluster: a job is a detached process group, known again by its pid and start
 * time, which it keeps when the scheduler ends. Its folder holds for each job `<id>.pid`, `<id>.out`
 * and, when it has ended, `<id>.end` with the exit code; for each array `<number>.sh`.
 *
 * @param folder where the jobs' files lie, absolute
 * @param name of the run, for the names of its jobs
 */
export function localCluster(folder: string, name: string): Cluster {
  const scriptArgv = (script: string, args: readonly string[]) => [
    ...["bash", "-c", functions + script, "adaptive", folder],
    ...args,
  ];
  const command = <T>(script: string, args: readonly string[], parse: (lines: string[]) => T): ClusterCommand<T> => ({
    argv: scriptArgv(`echo "${beginning}"\n${script}`, args),
    deadlineMs: 30_000,
    parse: (output) => parse(linesOf(output)),
  });
  const jobName = (id: string) => `${name}-${id}`;
  return {
    isExact: true,
    largestArray: () => null,
    account: () => null,
    submit: ({ number, count, script }) => ({
      ...command(submitScript, [String(number), String(count)], (ids) => ids.map((id) => ({ id, name: jobName(id) }))),
      stdin: script,
    }),
    list: () =>
      command(listScript, [], (lines) =>
        lines.map((line): QueuedJob => {
          const [id = "", state, exitCode] = line.split("|");
          const submission = Number(id.split("_")[0]);
          if (!Number.isSafeInteger(submission) || (state !== "running" && state !== "ended")) {
            throw new AdaptiveError("queue-garbled", `The listing of local jobs has the line "${line}".`);
          }
          return {
            id,
            name: jobName(id),
            submission,
            state,
            restart: 0,
            host: hostname(),
            walltimeSeconds: null,
            waitsFor: null,
            isHopeless: false,
            end: state === "ended" ? { exitCode: exitCodeOf(exitCode), cause: null } : null,
          };
        }),
      ),
    cancel: (jobs, force) => command(cancelScript, [force ? "KILL" : "TERM", ...jobs], () => undefined),
    shell: (job) => scriptArgv(shellScript, [job]),
  };
}

/** The lines between the sentinels: what `BASH_ENV` has bash read may print. Without the last, it did not get to its end. */
function linesOf({ exitCode, stdout, stderr }: CommandOutput): string[] {
  const all = stdout.split("\n").filter((line) => line !== "");
  const lines = all.slice(all.indexOf(beginning) + 1);
  if (exitCode !== 0 || lines.pop() !== sentinel) {
    throw new AdaptiveError(
      "local-command-failed",
      `Local jobs: ${stderr.trim() || `bash ended with exit code ${exitCode}`}.`,
    );
  }
  return lines;
}

const beginning = "beginning of list";
const sentinel = "end of list";

// proc(5): after the command name in parentheses, field 3 is the state and field 22 the start time
// in ticks since boot, hence the boot id. Elsewhere ps knows the start time to the second.
const functions = `
set -u
folder=$1; shift
[ -d "$folder" ] || mkdir "$folder"; cd "$folder" || exit 1
boot=; if [ -r /proc/sys/kernel/random/boot_id ]; then read -r boot </proc/sys/kernel/random/boot_id; fi
identity() {
  local stat fields
  if [ -n "$boot" ]; then
    { read -r stat </proc/"$1"/stat; } 2>/dev/null || return 1
    fields=(\${stat##*) })
    state=\${fields[0]}
    REPLY="$1 \${fields[19]} $boot"
  else
    stat=$(ps -o lstart= -p "$1") || return 1
    state=$(ps -o stat= -p "$1")
    REPLY="$1 $stat"
  fi
}
is_running() {
  local known pid
  # Nothing else that somebody may have put there: a pipe would be read for ever.
  [ -f "$1.pid" ] && read -r known <"$1.pid" || return 1
  pid=\${known%% *}
  if identity "$pid"; then
    [ "$REPLY" = "$known" ] || return 1
    [ "\${state:0:1}" = Z ] || return 0
  fi
  # When its first process alone is killed, the others go on. Their group keeps its number from others.
  [ ! -e "$1.end" ] && [ "\${known% "$boot"}" != "$known" ] && kill -0 -- "-$pid" 2>/dev/null &&
    ps -A -o pgid=,stat= | awk -v group="$pid" '$1 == group && $2 !~ /^Z/ { found = 1 } END { exit !found }'
}
`;

// Job control (set -m) gives each job its own process group. The outer shell of a job outlives what
// is sent to the group, to write down how the job ended; what the job left running ends with it.
const submitScript = `
number=$1; count=$2
cat >"$number.sh.tmp" && mv "$number.sh.tmp" "$number.sh" || exit 1
set -m
for ((i = 1; i <= count; i++)); do
  id="\${number}_$i"
  ADAPTIVE_JOB_ID="$id" bash -c '
    trap : TERM INT HUP
    bash "$1"
    echo $? >"$2.end.tmp" && mv "$2.end.tmp" "$2.end"
    kill -KILL 0
  ' adaptive "$folder/$number.sh" "$folder/$id" </dev/null >>"$id.out" 2>&1 &
  identity $! && echo "$REPLY" >"$id.pid.tmp" && mv "$id.pid.tmp" "$id.pid" || exit 1
  echo "$id"
done
echo "${sentinel}"
`;

const listScript = `
shopt -s nullglob
for file in *.pid; do
  id=\${file%.pid}
  [[ "$id" =~ ^[0-9]+_[0-9]+$ ]] || continue
  if is_running "$id"; then echo "$id|running"
  elif [ -f "$id.end" ] && read -r code <"$id.end"; then echo "$id|ended|$code"
  else echo "$id|ended"
  fi
done
echo "${sentinel}"
`;

// MPI launchers put their ranks into process groups of their own, so a job is all that descends from
// its first process, besides its group.
const cancelScript = `
signal=$1; shift
descendants() {
  ps -A -o pid=,ppid= | awk -v root="$1" '
    { parent[$1] = $2 }
    END { for (pid in parent) for (p = pid; p in parent; p = parent[p]) if (parent[p] == root) { print pid; break } }'
}
for id in "$@"; do
  is_running "$id" || continue
  read -r pid rest <"$id.pid"
  targets=$(descendants "$pid")
  kill -s "$signal" -- "-$pid" $targets 2>/dev/null
done
echo "${sentinel}"
`;

// The environment of a process is readable as it began, and not everywhere. The job's script makes
// it anew: told so, it ends in a shell instead of the job's processes.
const shellScript = `
is_running "$1" 2>/dev/null || { echo "Job $1 has ended." >&2; exit 1; }
export ADAPTIVE_JOB_ID="$1" ADAPTIVE_SHELL="\${SHELL:-bash}"
exec bash "$folder/\${1%_*}.sh"
`;
