"""What a job needs of its Python, what this one lacks of it, and the command that installs it.

`python -m adaptive_scheduler.packages` prints as JSON whether this Python can run jobs:
`{"error": null}`, or an error with code, message and hint.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shlex
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from adaptive_scheduler import answer

#: By the name to import, the name to install.
REQUIRED = {
    "adaptive": "adaptive",
    "zmq": "pyzmq",
    "cloudpickle": "cloudpickle",
}


def missing() -> list[str]:
    """Give the packages that are required and are not there, by the names to install."""
    return [package for name, package in REQUIRED.items() if importlib.util.find_spec(name) is None]


def fault() -> dict[str, str] | None:
    """Say why this Python cannot run jobs, and the command that helps; or None."""
    if not (absent := missing()):
        return _hidden()
    return {
        "code": "missing-packages",
        "message": f"{sys.executable} has no {', '.join(absent)}.",
        "hint": install_command(*REQUIRED.values()),
    }


def _hidden() -> dict[str, str] | None:
    here = Path.cwd()
    for name in REQUIRED:
        spec = importlib.util.find_spec(name)
        own = (here / f"{name}.py", here / name / "__init__.py")
        if spec and spec.origin and Path(spec.origin) in own:
            return {
                "code": "module-hidden",
                "message": f"{spec.origin} hides the package {name}, which jobs need.",
                "hint": "Rename that file, and what imports it.",
            }
    return None


def why_no_mpi() -> dict[str, str] | None:
    """Say why this Python cannot run MPI jobs, and what helps; or None.

    Not in this process, where the study may want to import MPI in its own way.
    """
    program = "import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI"
    try:
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        return {
            "why": f"mpi4py of {sys.executable} does not load",
            "hint": install_command("mpi4py"),
        }
    if found.returncode == 0:
        return None
    if importlib.util.find_spec("mpi4py") is None:
        return {
            "why": f"{sys.executable} has no mpi4py",
            "hint": install_command("mpi4py", "mpich"),
        }
    # mpi4py without a library tells where it has looked, in many lines.
    return {
        "why": f"mpi4py of {sys.executable} finds no MPI library",
        "hint": install_command("mpich"),
    }


@functools.cache
def of_job_without_mpi() -> dict[str, Any] | None:
    """Say why processes take the place of MPI in this job; None where they do not."""
    if not os.environ.get("ADAPTIVE_WITHOUT_MPI"):
        return None
    none_fits = f"no MPI launcher joins two processes of {sys.executable} on {socket.gethostname()}"
    reason = why_no_mpi() or {"why": none_fits, "hint": install_command("mpich")}
    return {**reason, "nodes": int(os.environ.get("SLURM_JOB_NUM_NODES") or 1)}


def is_managed() -> bool:
    """Tell whether the system lets nobody install into this Python (PEP 668)."""
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    return sys.prefix == sys.base_prefix and marker.exists()


def install_command(*names: str) -> str:
    """Give the command that installs packages, also where the system forbids to its own Python."""
    python = shlex.quote(sys.executable)
    if not is_managed():
        return f"{python} -m pip install {' '.join(names)}"
    more = [name for name in names if name not in REQUIRED.values()]
    environment = shlex.quote(f"{Path.cwd()}/.venv")
    install = f"{environment}/bin/python -m pip install {' '.join([*REQUIRED.values(), *more])}"
    return f"{python} -m venv {environment} && {install}"


if __name__ == "__main__":
    answer.redirect_prints()
    answer.give({"error": fault()})
