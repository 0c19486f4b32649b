/**
 * Lines of bash that make an environment, by whatever this machine has for it, and install packages into it.
 * `$1` is its folder, `$2` the Python that it is made of, `$3` a folder of wheels or nothing, further words what is
 * installed. They say what they do as `step WORDS`, and why it cannot be done as `cannot CODE`.
 */
export const environmentLines: readonly string[] = [
  "folder=$1 base=$2 wheels=$3; shift 3; python=$folder/bin/python",
  'cannot() { say "cannot $1"; exit 1; }',
  'has() { command -v "$1" >/dev/null 2>&1; }',
  // Where a person's own settings would have packages go elsewhere.
  "unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_VIRTUALENV; export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1",
  'has "$base" || cannot python-missing',
  '"$base" -c "import sys; sys.exit(sys.version_info < (3, 9))" || cannot python-old',
  'say "version $("$base" -c "import sys; print(\'%d.%d\' % sys.version_info[:2])")"',
  // Since 22.3 a pip installs into another environment than its own.
  'outer_pip() { "$base" -c "import sys, pip; sys.exit(tuple(map(int, pip.__version__.split(\'.\')[:2])) < (22, 3))" 2>/dev/null; }',
  'bare() { "$base" -m venv --without-pip "$folder"; }',
  'if ! [ -e "$folder" ]; then',
  '  say "step Making the environment"',
  '  if "$base" -c "import venv, ensurepip" 2>/dev/null; then "$base" -m venv "$folder"',
  '  elif "$base" -m virtualenv --version >/dev/null 2>&1; then "$base" -m virtualenv "$folder"',
  '  elif has virtualenv; then virtualenv --python "$base" "$folder"',
  '  elif has uv; then uv venv --python "$base" "$folder"',
  '  elif [ "$wheels" ] || outer_pip; then bare',
  "  elif has conda; then conda create --yes --prefix \"$folder\" 'python>=3.11' pip",
  "  elif has mamba; then mamba create --yes --prefix \"$folder\" 'python>=3.11' pip",
  "  elif has micromamba; then micromamba create --yes --prefix \"$folder\" --channel conda-forge 'python>=3.11' pip",
  "  else cannot no-venv",
  "  fi || cannot environment-failed",
  "fi",
  '[ -x "$python" ] || cannot no-environment',
  'own_pip() { "$python" -c "import pip" 2>/dev/null; }',
  "install() {",
  '  if [ "$wheels" ]; then',
  '    if own_pip; then "$python" -m pip install --no-index --find-links "$wheels" "$@"',
  '    else PYTHONPATH=$(echo "$wheels"/pip-*.whl) "$python" -m pip install --no-index --find-links "$wheels" "$@"',
  "    fi",
  '  elif own_pip; then "$python" -m pip install "$@"',
  '  elif has uv; then uv pip install --python "$python" "$@"',
  '  else "$base" -m pip --python "$python" install "$@"',
  "  fi",
  "}",
  // One small package tells in seconds what all of them would tell in minutes.
  'if [ -z "$wheels" ] && own_pip; then',
  '  say "step Asking for packages"',
  '  try=$(mktemp -d) && "$python" -m pip download --quiet --retries 1 --timeout 10 --no-deps --dest "$try" cloudpickle',
  '  status=$?; rm -rf "$try"; [ $status = 0 ] || cannot no-index',
  "fi",
  'say "step Installing $*"',
  'install "$@" || cannot install-failed',
  "say done",
];

/** What pip says that it does, in two words for a person; null when that is nothing new. */
export function stepOf(line: string): string | null {
  const [, name] = /^Collecting ([\w.-]+)/.exec(line) ?? [];
  if (name !== undefined) return `Installing ${name}`;
  return line.startsWith("Installing collected packages") ? "Unpacking packages" : null;
}
