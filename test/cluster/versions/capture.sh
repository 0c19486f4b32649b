#!/usr/bin/env bash
# What the Slurm of a Debian prints of jobs in every condition, as a transcript: capture.sh SUITE >test/fixtures/slurm/VERSION.txt
# (some three minutes). The unit tests look the program's own commands up in it, so that they are the same here.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
coproc slurm { exec "$here/slurm.sh" run "$1" /usr/bin/python3; }
read -r programs <&"${slurm[0]}"
export PATH=$programs:$PATH LC_ALL=C
folder=$(mktemp -d "$programs/study-XXXXXX")
cd "$folder"

# A command, what it printed, and how it ended. Control characters are shown by their pictures.
show() {
  local code=0
  "$@" >stdout 2>stderr </dev/stdin || code=$?
  { echo "\$ $*"; cat stdout; sed 's/^/2> /' stderr; echo "= $code"; } | sed 's/\x1f/␟/g; s/\x1e/␞/g' | sed "s|$folder|/run/jobs|g"
}

# NUMBER COUNT SCRIPT [LINE…], with the lines as the script's options.
submit() {
  local number=$1 count=$2 script=$3
  shift 3
  { echo "#!/bin/bash"; printf '#SBATCH %s\n' "$@"; echo "$script"; } >script
  show sbatch --parsable "--array=0-$((count - 1))" "--comment=adaptive:5eed0001-run:$number" "--job-name=peaks-$number.5eed0001" \
    --no-requeue "--chdir=${chdir:-$folder}" --output=%A_%a.out --open-mode=append <script
}

list() {
  local fields=()
  for field in ArrayJobID ArrayTaskID State RestartCnt exit_code TimeLimit NodeList Name Comment WorkDir; do
    fields+=("$field:"$'\x1f')
  done
  local format
  format=$(IFS=,; echo "${fields[*]},Reason:"$'\x1e')
  show squeue --noheader --array --states=all --user=root "--Format=$format" </dev/null
}

ids() { squeue --noheader --array --states=all "--name=peaks-$1.5eed0001" --format=%i | head -1 | sed 's/_.*//'; }

sbatch --version
submit 1 3 'case $SLURM_ARRAY_TASK_ID in 1) exit 3 ;; 2) kill -9 $$ ;; esac'
chdir=/dev/null/nowhere submit 2 1 true
submit 3 3 true --hold
show scancel "$(ids 3)_[0-2]" </dev/null
until [ "$(squeue --noheader --array --format=%i | grep -cv '_\[')" = 0 ]; do sleep 0.2; done
submit 4 2 "sleep 1000" --time=30
submit 5 1 "sleep 1000" --time=1
submit 6 1 "sleep 1000"
submit 7 2 true --hold
submit 8 1 true --nodes=5
submit 9 1 true --ntasks=99
submit 10 1 true --partition=nope
submit 11 1 true --mem=900G
submit 12 1 true --time=soon
submit 13 1 true --constraint=gpu
submit 14 1 true --no-such-option
until [ "$(squeue --noheader --array --states=RUNNING --format=%i | wc -l)" = 4 ]; do sleep 0.2; done
scontrol update "JobId=$(ids 6)" Requeue=1
scontrol requeue "$(ids 6)"
until [ "$(squeue --noheader --array --states=RUNNING,COMPLETING --format=%i | wc -l)" = 3 ]; do sleep 0.2; done
list
show scancel "$(ids 4)_[1]" </dev/null
show scancel --signal=KILL "$(ids 1)_[0-2]" 99999999_[9] </dev/null
until [ "$(squeue --noheader --array --states=RUNNING,COMPLETING --format=%i | wc -l)" = 1 ]; do sleep 1; done
# Its node goes down.
nsenter --net="/run/netns/slurm-$1" kill -KILL $(ip netns pids "slurm-$1" | xargs ps --format pid=,comm= --pid | awk '$2 == "slurmd" { print $1 }')
until [ "$(squeue --noheader --array --states=RUNNING,COMPLETING --format=%i | wc -l)" = 0 ]; do sleep 1; done
list
show scontrol show config </dev/null | grep -E '^[$=]|MaxArraySize'
show sacct --noheader --allocations --parsable2 --format=JobID,State,ExitCode "--jobs=$(ids 1)_0" </dev/null
