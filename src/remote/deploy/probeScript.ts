import { loginArgv, loginFiles } from "../../scheduler/jobs/loginShell";
import { shellQuote } from "../../scheduler/jobs/quote";

/** What is asked of a head node besides what it is. */
export interface ProbeWish {
  /** Where what is ours lies there: absolute, or with `~/`. */
  place: string;
  /** The Node that a person has set, or null to look for one. */
  node: string | null;
  /** The Python of the jobs, a path or a name, and the lines before it. */
  python: string;
  prelude: readonly string[];
}

/** Around the answer: what start-up files print is before, after, or in between. */
export const mark = {
  begin: "-- adaptive probe begins --",
  end: "-- adaptive probe ends --",
  line: "adaptive\t",
  begun: "-- adaptive shell begins --",
};

/** Names, as patterns, of a login's variables by which the queue is found and asked. */
const forQueue = ["SLURM_CONF", "SLURM_CLUSTERS", "SBATCH_[A-Z_]*"];

/**
 * A script of a POSIX `sh` that says what this machine is and has, a fact a line. It is given to `sh` on standard
 * input, so that no login shell ever reads it; what needs the start-up files of the person's own shell asks that
 * shell for the one command `env`, which means the same in all of them.
 */
export function probeScript({ place, node, python, prelude }: ProbeWish): string {
  return `
LC_ALL=C; export LC_ALL
tell() { printf '${mark.line.trim()}'; for word; do printf '\\t%s' "$(printf %s "$word" | tr '\\t\\n' '  ')"; done; printf '\\n'; }
has() { command -v "$1" >/dev/null 2>&1; }
limit() { if has timeout; then timeout -k 1 "$@"; else shift; "$@"; fi; }
# What a login file leaves running holds a file open, and not this script.
answers=$(mktemp -d 2>/dev/null) || { answers=\${TMPDIR:-/tmp}/adaptive-probe-$$; mkdir -p "$answers"; }
trap 'rm -rf "$answers"' EXIT
said() { limit "$@" </dev/null >"$answers/last" 2>"$answers/errors"; cat "$answers/last"; }
echo '${mark.begin}'

tell host "$(uname -n)"
tell home "$HOME"
tell os "$(uname -s)" "$(uname -m)"
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || libc=$(ldd --version 2>&1 | sed -n 's/^musl.*/musl/p; s/^Version //p')
tell libc $libc

place=${shellQuote(place)}
case $place in '~/'*) place=$HOME/\${place#??} ;; esac
near=$place
while [ ! -e "$near" ] && [ "$near" != / ]; do near=$(dirname "$near"); done
try=$near/.adaptive-try-$$
# Not the shell's own printf, which may say no more than "I/O error".
why=$({ env printf x >"$try"; } 2>&1)
rm -f "$try"
tell place "$place" "$(df -Pk "$near" 2>/dev/null | awk 'NR == 2 { print $4 }')" "$why"
for bundle in "$place"/bundles/*/; do test -d "$bundle" && tell bundle "$(basename "$bundle")"; done
for tool in tar gzip; do has $tool || tell missing $tool; done

case \${SHELL##*/} in csh | tcsh) as=-c ;; *) as=-lc ;; esac
variables=$(said 20 "\${SHELL:-/bin/sh}" $as '/usr/bin/env')
path=$(printf '%s\\n' "$variables" | sed -n 's/^PATH=//p' | tail -n 1)
# Those that name a place.
printf '%s\\n' "$variables" | sed -n 's/^\\([A-Za-z_][A-Za-z_0-9]*\\)=\\(\\/[^:]*\\)$/${mark.line.trim()}\tvariable\t\\1\t\\2/p'
PATH=$PATH\${path:+:$path}
export PATH
tell environment PATH "$PATH"
for name in ${forQueue.map(shellQuote).join(" ")}; do
  printf '%s\\n' "$variables" | sed -n "s/^\\($name\\)=\\(.*\\)$/${mark.line.trim()}\tenvironment\t\\1\t\\2/p"
done

enough=
try_node() {
  test -f "$2" && test -x "$2" || return 0
  case $tried in *":$2:"*) return 0 ;; esac
  tried="$tried:$2:"
  version=$(limit 20 "$2" -p process.versions.node </dev/null 2>&1)
  case $version in 1[89].* | [2-9][0-9].*) enough=yes ;; esac
  tell node "$1" "$2" "$version"
}
tried=
${
  node === null
    ? searchForNode
    : `set=${shellQuote(node)}
case $set in '~/'*) set=$HOME/\${set#??} ;; */*) ;; *) set=$(command -v "$set" || echo "$set") ;; esac
try_node setting "$set"
test -n "$tried" || tell node setting "$set" 'there is no such program'`
}

# Login files that end the shell, or replace it by another, are left out.
for files in ${loginFiles.join(" ")}; do
  case $files in
${askPython(python, prelude)}
  esac
  case $answer in *'${mark.begun}'*) break ;; esac
done
tell python "$(printf '%s\\n' "$answer" | sed -n 's/^= //p' | tail -n 1)" "$({ printf '%s\\n' "$answer"; cat "$answers/errors"; } | grep -v '^${mark.begun}$' | tail -n 1)"

if has sbatch; then tell queue slurm "$(limit 20 sbatch --version 2>&1 </dev/null)"
elif has qstat; then tell queue pbs "$(limit 20 qstat --version 2>&1 </dev/null)"
fi
echo '${mark.end}'
exit 0
`;
}

/** The cheapest places first; modules, whose listing may take seconds, only when nothing else was found. */
const searchForNode = `IFS=:
for folder in $PATH; do try_node PATH "$folder/node"; done
unset IFS
for file in "$place"/node/*/node; do try_node ours "$file"; done
for file in "\${CONDA_PREFIX:+$CONDA_PREFIX/bin/node}" "$HOME"/*conda*/bin/node "$HOME"/m*forge*/bin/node "$HOME"/*conda*/envs/*/bin/node "$HOME"/m*forge*/envs/*/bin/node; do try_node conda "$file"; done
for file in "$HOME"/.vscode-server/cli/servers/*/server/node "$HOME"/.vscode-server/bin/*/node; do try_node vscode-server "$file"; done
if test -z "$enough" && has bash; then
  names=$(said 30 bash -lc 'module -t avail 2>&1' | sed 's/(.*//' | grep -iE '^node(\\.?js)?(/[^/]*)?$' | tail -n 5)
  for name in $names; do
    try_node "module $name" "$(said 20 bash -lc 'module load "$1" >/dev/null 2>&1; command -v node' bash "$name" | tail -n 1)"
  done
fi`;

/** What each job imports besides Python's own; without mpi4py processes evaluate the points. */
const packages = ["adaptive", "zmq", "cloudpickle"];

/** As a job would: in bash, after login files and prelude. Whatever those print goes before the answer. */
function askPython(python: string, prelude: readonly string[]): string {
  const code = [
    "import sys, importlib.util as find",
    `missing = [name for name in ${JSON.stringify(packages)} if find.find_spec(name) is None]`,
    'print("\\n= " + ".".join(map(str, sys.version_info[:3])), ",".join(missing) or "-", sys.executable)',
  ].join("\n");
  const name = python.startsWith("~/") ? `"$HOME"/${shellQuote(python.slice(2))}` : shellQuote(python);
  const lines = [
    `printf '\\n%s\\n' '${mark.begun}'`,
    ...prelude,
    `command -v ${name} >/dev/null || { echo 'there is no such program' >&2; exit 127; }`,
    `exec ${name} -c ${shellQuote(code)}`,
  ];
  return loginFiles
    .map((files) => `${files}) answer=$(said 60 ${loginArgv(files, lines).map(shellQuote).join(" ")}) ;;`)
    .join("\n");
}
