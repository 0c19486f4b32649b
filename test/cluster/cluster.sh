#!/usr/bin/env bash
# A real Slurm cluster on one machine, for the tests: a controller and nodes n1, n2, …, each in a
# network namespace of its own, so that a job cannot reach what listens on the head's 127.0.0.1, and
# a node can be cut off. Its daemons are root's, and so are the jobs of most tests, which read the
# project wherever it lies; users can be admitted who may read no more than any user, and for whose
# jobs there is a Python. It has its own folder, munge, ports and addresses; nothing outside of that
# folder is touched but the list of users, and a Slurm of the machine's own goes on beside it.
#
#   cluster.sh up                    starts what does not run yet; prints nothing when all is well
#   cluster.sh down                  ends its jobs and daemons, and deletes its folder and users
#   cluster.sh cut NODE              takes the node off the network; its processes go on
#   cluster.sh restore NODE          puts it back
#   cluster.sh kill NODE             kills the node's slurmd and the jobs on it: its machine went down
#   cluster.sh revive NODE           starts its slurmd
#   cluster.sh controller stop|start
#   cluster.sh admit USER SHELL      makes a user with an empty home in the folder, who logs in by key alone
#   cluster.sh dismiss USER          ends all that the user runs, and deletes user and home
#   cluster.sh configure [LINE…]     slurm.conf ends with these lines from now on, instead of earlier ones
set -euo pipefail
umask 022

folder=/var/lib/adaptive-test-cluster
nodes=(n1 n2 n3 n4 n5 n6)
network=10.91.7
requirements=$(dirname "$(realpath "$0")")/../../python/requirements.txt
head=$(hostname -s)
export SLURM_CONF=$folder/slurm.conf

up() {
  check_permitted
  # One that was started from another version of this file.
  [ ! -e "$SLURM_CONF" ] || cmp -s "$0" "$folder/cluster.sh" || down
  mkdir -p "$folder"/{run,log,state,munge,home}
  chmod 755 "$folder"
  chmod 700 "$folder/munge"
  [ -e "$folder/more.conf" ] || echo "# More lines" >"$folder/more.conf"
  cp "$0" "$folder/cluster.sh"
  host_names >"$folder/hosts"
  configuration >"$SLURM_CONF"
  make_python
  connect
  start_munge
  start_accounting
  start_controller
  set_limits
  for node in "${nodes[@]}"; do start_node "$node"; done
  await "a node of the test cluster does not answer" nodes_answer
}

# Namespaces are what a container most often forbids.
check_permitted() {
  [ "$(id -u)" = 0 ] || fail "The test cluster needs root: run the same as root."
  unshare --net --uts --mount true 2>/dev/null || fail "The test cluster needs network namespaces, which are not permitted here."
}

# Makes the bridge, and the nodes' namespaces on it. What is sent to a node never leaves this machine.
connect() {
  [ -e /sys/class/net/adaptive0 ] || ip link add adaptive0 type bridge
  ip route replace blackhole "$network.0/24" metric 9999
  ip addr replace "$network.1/24" dev adaptive0
  ip link set adaptive0 up
  for node in "${nodes[@]}"; do
    [ -e "/run/netns/$(namespace "$node")" ] && continue
    ip netns add "$(namespace "$node")"
    ip link add "$(link "$node")" type veth peer name eth0 netns "$(namespace "$node")"
    ip link set "$(link "$node")" master adaptive0 up
    ip -n "$(namespace "$node")" addr add "$(address "$node")/24" dev eth0
    ip -n "$(namespace "$node")" link set eth0 up
    ip -n "$(namespace "$node")" link set lo up
  done
}

namespace() { echo "adaptive-$1"; }
link() { echo "adaptive-$1"; }
address() { echo "$network.1${1#n}"; }

# A node finds the others by name; this is bound over /etc/hosts for it alone.
host_names() {
  echo "127.0.0.1 localhost"
  echo "$network.1 $head"
  for node in "${nodes[@]}"; do echo "$(address "$node") $node"; done
}

configuration() {
  cat <<CONF
ClusterName=adaptive
SlurmctldHost=$head($network.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool-%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd-%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd-%n.log
# The cgroup plugins want a cgroup tree of their own.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
# Nodes may claim more cores than this machine has.
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=2
MpiDefault=none
MaxArraySize=10001
MaxJobCount=30000
# Long enough for nodes that wait for this machine's cores.
SlurmdTimeout=20
KillWait=10
ReturnToService=2
$(for node in "${nodes[@]}"; do echo "NodeName=$node NodeAddr=$(address "$node") Port=1682${node#n} CPUs=8 RealMemory=4000"; done)
# Tests that take nodes away have nodes of their own.
PartitionName=main Nodes=n4,n5 Default=YES
PartitionName=short Nodes=n4 MaxTime=1
PartitionName=single Nodes=n1
PartitionName=pair Nodes=n2,n3
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
PartitionName=low Nodes=n6
PartitionName=high Nodes=n6 PriorityTier=2
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=16819
AccountingStoragePass=$folder/run/munge
AccountingStorageEnforce=associations,limits,qos
Include $folder/more.conf
CONF
}

# The machine's own Python, since any other may lie where only root can read.
make_python() {
  local python=/usr/bin/python3
  cmp -s "$requirements" "$folder/python/requirements.txt" && return
  "$python" -c "import venv, ensurepip" 2>/dev/null || fail "The test cluster needs Debian's Python: apt-get install python3-venv."
  "$python" -m venv --clear "$folder/python"
  "$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >"$folder/log/python.log" 2>&1 ||
    fail "The jobs' Python could not be made: see $folder/log/python.log"
  cp "$requirements" "$folder/python"
}

start_munge() {
  runs munged && return
  [ -e "$folder/munge/key" ] || head -c 1024 /dev/urandom | install -m 600 /dev/stdin "$folder/munge/key"
  munged --socket="$folder/run/munge" --key-file="$folder/munge/key" --pid-file="$folder/run/munged.pid" \
    --seed-file="$folder/munge/seed" --log-file="$folder/log/munged.log"
}

# Slurm's database of jobs that ended, and the limits that come with it.
start_accounting() {
  # MariaDB does not run as root; that of the machine has a socket of its own.
  local database=$folder/database
  export MYSQL_UNIX_PORT=$database/socket
  if [ ! -d "$database" ]; then
    install -d -o mysql -g mysql "$database"
    mariadb-install-db --no-defaults --user=mysql --datadir="$database" --skip-test-db \
      --auth-root-authentication-method=socket >"$folder/log/mariadb.log"
  fi
  if ! runs mariadbd; then
    setpriv --reuid=mysql --regid=mysql --clear-groups mariadbd --no-defaults --datadir="$database" \
      --socket="$MYSQL_UNIX_PORT" --skip-networking >>"$folder/log/mariadb.log" 2>&1 </dev/null &
    echo $! >"$folder/run/mariadbd.pid"
  fi
  await "the database of the test cluster does not answer" mariadb-admin --no-defaults --socket="$MYSQL_UNIX_PORT" ping
  install -m 600 /dev/stdin "$folder/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$folder/run/munge
DbdHost=$head
DbdAddr=127.0.0.1
DbdPort=16819
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
LogFile=$folder/log/slurmdbd.log
PidFile=$folder/run/slurmdbd.pid
CONF
  runs slurmdbd || slurmdbd
  await "the accounting of the test cluster does not answer" timeout 10 sacctmgr --noheader list qos
}

start_controller() {
  runs slurmctld || slurmctld
  await "the controller of the test cluster does not answer" timeout 10 scontrol ping
}

# With this quality of service a user may have two jobs at a time.
set_limits() {
  [ "$(sacctmgr --noheader --parsable2 list qos few format=name)" ] || sacctmgr --immediate add qos few MaxSubmitJobsPerUser=2 >/dev/null
  sacctmgr --immediate modify account root set qos=normal,few >/dev/null
}

# In its own network, under its own name, with its own file of names and its own shared memory, in which MPICH calls
# segments by the numbers of jobs and leaves them there when a job is killed.
start_node() {
  runs "slurmd-$1" && return
  mkdir -p "$folder/spool-$1"
  nsenter --net="/run/netns/$(namespace "$1")" unshare --uts --mount bash -c \
    'hostname "$1" && mount --bind "$2" /etc/hosts && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && exec slurmd -N "$1"' bash "$1" "$folder/hosts"
}

nodes_answer() {
  local states
  states=$(timeout 10 sinfo -h -N -o %T) && ! grep -qE 'unk|down|drain|[*]' <<<"$states"
}

# Whether the daemon of a pid file runs, and is not another process with its old pid.
runs() {
  local pid comm state
  { read -r pid <"$folder/run/$1.pid" && read -r _ comm state _ <"/proc/$pid/stat"; } 2>/dev/null || return 1
  [[ $comm == "(${1%%-*})" && $state != Z ]]
}

# Ends a daemon, and waits for its end.
stop() {
  runs "$1" || return 0
  local pid
  read -r pid <"$folder/run/$1.pid"
  kill "-${2:-TERM}" "$pid"
  while runs "$1"; do sleep 0.1; done
}

# The machine of a node goes down: with its slurmd, whatever runs in its network namespace ends at once.
kill_node() {
  stop "slurmd-$1" KILL
  local pids
  while pids=$(ip netns pids "$(namespace "$1")") && [ "$pids" ]; do
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
}

admit() {
  # Not locked, which would keep out even a key.
  useradd --create-home --home-dir "$folder/home/$1" --shell "$2" --password '*' "$1"
  chmod 700 "$folder/home/$1"
  sacctmgr --immediate add user "$1" account=root >/dev/null
  await "the controller does not know $1" is_known "$1"
}

is_known() { timeout 10 scontrol show assoc_mgr flags=users users="$1" | grep -q "^ *UserName=$1("; }

dismiss() {
  id -u "$1" >/dev/null 2>&1 || return 0
  await "jobs of $1 do not end" without_jobs "$1"
  sacctmgr --immediate delete user "$1" >/dev/null
  remove_user "$1"
}

without_jobs() {
  local jobs
  timeout 20 scancel --user="$1" --signal=KILL --full; timeout 20 scancel --user="$1"
  jobs=$(timeout 20 squeue --noheader --user="$1") && [ -z "$jobs" ]
}

# Those who were admitted, and are not dismissed.
users() { awk -F: -v home="$folder/home/" 'index($6, home) == 1 { print $1 }' /etc/passwd; }

# With all that the user still runs, on the head and on nodes.
remove_user() {
  local pids
  while pids=$(processes "$1") && [ "$pids" ]; do
    kill -KILL $pids 2>/dev/null || true
    sleep 0.1
  done
  userdel --force "$1"
  rm -rf "$folder/home/$1"
}

# Of a user; this file belongs to root once a process has ended, whether or not anybody has waited for it.
processes() {
  { find /proc -maxdepth 2 -name cmdline -user "$1" -printf '%h\n' 2>/dev/null || true; } | sed 's|^/proc/||'
}

configure() {
  printf '%s\n' "# More lines" "$@" >"$folder/more.conf"
  scontrol reconfigure
}

down() {
  if runs slurmctld; then timeout 20 scancel --user=root --signal=KILL || true; fi
  for node in "${nodes[@]}"; do
    [ -e "/run/netns/$(namespace "$node")" ] || continue
    kill_node "$node"
    ip netns del "$(namespace "$node")"
  done
  stop slurmctld KILL
  stop slurmdbd
  stop mariadbd
  stop munged
  for user in $(users); do remove_user "$user"; done
  if ip link del adaptive0 2>/dev/null; then ip route del blackhole "$network.0/24" metric 9999; fi
  rm -rf "$folder"
}

await() {
  local complaint=$1
  shift
  SECONDS=0
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt 120 ] || fail "$complaint: see $folder/log"
    sleep 0.1
  done
}

fail() {
  echo "$1" >&2
  exit 1
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  cut) ip link set "$(link "$2")" down ;;
  restore) ip link set "$(link "$2")" up ;;
  kill) kill_node "$2" ;;
  revive) start_node "$2" ;;
  controller) if [ "$2" = stop ]; then stop slurmctld; else start_controller; fi ;;
  admit) admit "$2" "$3" ;;
  dismiss) dismiss "$2" ;;
  configure) configure "${@:2}" ;;
  *) fail "usage: cluster.sh up | down | cut NODE | restore NODE | kill NODE | revive NODE | controller stop|start | admit USER SHELL | dismiss USER | configure [LINE…]" ;;
esac
