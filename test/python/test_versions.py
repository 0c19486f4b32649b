"""What of the package needs nothing but Python, in each Python that this machine has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import PACKAGE

MODULES = sorted(path.stem for path in (PACKAGE / "adaptive_scheduler").glob("[a-z]*.py"))
#: They draw data, read learners files and say what is missing, before anything is installed.
NEED_NOTHING = {
    "answer", "dataframes", "datafile", "deadline", "drawn", "fnames", "inspect", "job", "kinds",
    "learners_file", "preview", "probe_mpi", "thinning",
}  # fmt: skip

#: Is only ever run, as a job's script.
PROGRAMS = {"script"}

#: Compiles each module and imports what is no program; tells what could not be imported for want
#: of which package.
PROGRAM = """
import importlib, json, sys
package, programs, *modules = sys.argv[1:]
sys.path.insert(0, package)
missing = {}
for name in modules:
    path = f"{package}/adaptive_scheduler/{name}.py"
    with open(path) as file:
        compile(file.read(), path, "exec")
    if name in programs.split():
        continue
    try:
        importlib.import_module(f"adaptive_scheduler.{name}")
    except ModuleNotFoundError as error:
        missing[name] = error.name.split(".")[0]
print(json.dumps(missing))
"""


def pythons() -> dict[str, str]:
    """Give a Python of each version from 3.9 on that is here; the one of the tests always is."""
    roots = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    candidates: list[str | Path] = [
        *roots.glob("versions/3.*/bin/python3"),
        *filter(None, (shutil.which(f"python3.{minor}") for minor in range(9, 20))),
        sys.executable,
    ]
    found = {}
    for candidate in candidates:
        # A name on PATH may be one of pyenv's that stands for nothing.
        program = "import sys; assert sys.version_info >= (3, 9); print(*sys.version_info[:2])"
        done = subprocess.run([candidate, "-c", program], capture_output=True, text=True)
        if done.returncode == 0:
            found[done.stdout.strip()] = str(candidate)
    return found


def test_each_python_compiles_the_package_and_imports_what_needs_nothing() -> None:
    assert set(MODULES) > NEED_NOTHING
    for version, python in pythons().items():
        done = subprocess.run(
            # Without site-packages, the environment, or files beside the package's.
            [python, "-I", "-S", "-B", "-c", PROGRAM, str(PACKAGE), " ".join(PROGRAMS), *MODULES],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"Python {version}: {done.stderr}"
        missing = json.loads(done.stdout)
        assert NEED_NOTHING.isdisjoint(missing), version
        assert set(missing.values()) <= {"adaptive", "cloudpickle", "zmq"}, version
