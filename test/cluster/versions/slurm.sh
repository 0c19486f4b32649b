#!/usr/bin/env bash
# A Slurm of another version than this machine's: that of a Debian, in a root of its own (.slurm/SUITE in the
# project, about a minute and 300 MB, made once). Controller and node n1 are in one network namespace; all that
# they write is in memory.
#
#   slurm.sh make SUITE           makes the root, if it is not there
#   slurm.sh run SUITE PYTHON     prints a folder of programs once all is up: Slurm's commands, and `python`,
#                                 which in a job too is PYTHON of this machine; ends when its standard input does
#
# SUITE is bullseye (20.11), bookworm (22.05), trixie (24.11) or sid (26.05). Jobs see the folder for temporary
# files, and nothing else of this machine.
set -euo pipefail
umask 022

fail() {
  echo "$1" >&2
  exit 1
}

suite=${2:-}
root=$(realpath "$(dirname "$0")/../../..")/.slurm/$suite
case $suite in
  bullseye) number=1 ;;
  bookworm) number=2 ;;
  trixie) number=3 ;;
  sid) number=4 ;;
  *) fail "usage: slurm.sh make SUITE | run SUITE PYTHON" ;;
esac
[ "$(id -u)" = 0 ] || fail "A Slurm in a root of its own needs root: run the same as root."
unshare --net --uts --mount true 2>/dev/null || fail "A Slurm in a root of its own needs namespaces, which are not permitted here."
# Also of the network interface, whose name is short.
namespace=slurm-$suite
head=10.91.8.$((8 * number + 1))
node=10.91.8.$((8 * number + 2))
temporary=${TMPDIR:-/tmp}

# Whoever was killed while making it leaves something that is begun anew.
make_root() {
  [ ! -d "$root" ] || return 0
  mkdir -p "$(dirname "$root")"
  rm -rf "$root.new"
  debootstrap --variant=minbase --include=slurmctld,slurmd,slurm-client,munge "$suite" "$root.new" >"$root.log" 2>&1 ||
    fail "No root of Debian's $suite could be made: see $root.log"
  rm -rf "$root.new/var/cache/apt" "$root.new/var/lib/apt/lists"
  mv "$root.new" "$root"
}

configuration() {
  cat <<CONF
ClusterName=$suite
SlurmctldHost=n1($node)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=/srv/munge
CredType=cred/munge
StateSaveLocation=/srv/state
SlurmdSpoolDir=/srv/spool
SlurmctldPidFile=/srv/slurmctld.pid
SlurmdPidFile=/srv/slurmd.pid
SlurmctldLogFile=/srv/slurmctld.log
SlurmdLogFile=/srv/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=2
MpiDefault=none
SlurmdTimeout=20
KillWait=10
ReturnToService=2
NodeName=n1 NodeAddr=$node CPUs=4 RealMemory=2000
PartitionName=main Nodes=n1 Default=YES
CONF
}

# In namespaces of its own, as root of the machine.
daemons() {
  mount --make-rprivate /
  mount --rbind /dev "$root/dev"
  mount --rbind /proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/srv"
  mkdir -p "$root$temporary" "$root/srv/state" "$root/srv/spool"
  mount --rbind "$temporary" "$root$temporary"
  printf '127.0.0.1 localhost\n%s n1\n' "$node" >"$root/srv/hosts"
  touch "$root/etc/hosts"
  mount --bind "$root/srv/hosts" "$root/etc/hosts"
  configuration >"$root/srv/slurm.conf"
  # Versions before these do not know the word.
  case $suite in trixie | sid) echo CgroupPlugin=disabled >"$root/srv/cgroup.conf" ;; esac
  head -c 1024 /dev/urandom | install -m 600 /dev/stdin "$root/srv/munge.key"
  hostname n1
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin SLURM_CONF=/srv/slurm.conf chroot "$root" sh -c '
    munged --socket=/srv/munge --key-file=/srv/munge.key --pid-file=/srv/munged.pid --seed-file=/srv/munge.seed --log-file=/srv/munge.log &&
      slurmctld && until scontrol ping >/dev/null; do sleep 0.1; done && slurmd -N n1 && exec sleep infinity
    tail -n 20 /srv/*.log >&2; exit 1'
}

# A program of the Slurm in its namespaces, or this machine's from within these.
program() {
  printf '#!/bin/sh\nexec nsenter --target %s %s sh -c '\''cd "$0" 2>/dev/null; exec "$@"'\'' "$PWD" %s "$@"\n' "$3" "$4" "$5" >"$1/$2"
  chmod +x "$1/$2"
}

end() {
  local pids
  while pids=$(ip netns pids "$namespace" 2>/dev/null) && [ "$pids" ]; do
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
  ip netns del "$namespace" 2>/dev/null || true
  [ ! "${programs:-}" ] || rm -rf "$programs"
}

run() {
  trap end EXIT
  end
  ip netns add "$namespace"
  ip link add "$namespace" type veth peer name eth0 netns "$namespace"
  ip addr add "$head/29" dev "$namespace"
  ip link set "$namespace" up
  ip -n "$namespace" addr add "$node/29" dev eth0
  ip -n "$namespace" link set eth0 up
  ip -n "$namespace" link set lo up
  nsenter --net="/run/netns/$namespace" unshare --mount --uts "$0" daemons "$suite" </dev/null >"$root.log" 2>&1 9>&- &
  local keeper=$!
  disown
  programs=$(mktemp -d "$temporary/adaptive-$suite-XXXXXX")
  for name in sbatch squeue scontrol sacct scancel srun sinfo; do
    program "$programs" "$name" "$keeper" "--net --uts --mount --root --wd" "env SLURM_CONF=/srv/slurm.conf /usr/bin/$name"
  done
  program "$programs" python $$ "--mount --root --wd" "$1"
  SECONDS=0
  until [ "$(timeout 10 "$programs/sinfo" --noheader --format=%T 2>/dev/null)" = idle ]; do
    kill -0 "$keeper" 2>/dev/null && [ $SECONDS -lt 60 ] ||
      fail "The Slurm of $suite does not answer: $(cat "$root.log"; tail -n 20 "/proc/$keeper/root/srv/"*.log 2>/dev/null)"
    sleep 0.1
  done
  echo "$programs"
  cat >/dev/null
}

case $1 in
  make) make_root ;;
  run)
    # One at a time on a machine.
    exec 9>"/var/lock/$namespace"
    flock 9
    make_root
    run "$3"
    ;;
  daemons) daemons ;;
esac
