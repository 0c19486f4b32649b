"""`python -m adaptive_scheduler.inspect LEARNERS_FILE`: what a learners file defines, as JSON.

To be run in the run directory with the Python that the jobs will use. Prints one JSON object; what
the file itself prints goes to standard error. Exit code 2 comes with an `error`.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from adaptive_scheduler.learners_file import (
    LearnersFileError,
    Study,
    check_fnames,
    line_of,
    load,
)

#: By the name to import, the name to install.
REQUIRED = {
    "adaptive": "adaptive",
    "mpi4py": "mpi4py",
    "zmq": "pyzmq",
    "cloudpickle": "cloudpickle",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a learners file defines; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        print("usage: python -m adaptive_scheduler.inspect LEARNERS_FILE", file=sys.stderr)
        return 64
    out = os.dup(1)
    os.dup2(2, 1)  # the file's own prints, also those of its C libraries
    code = 0
    try:
        result = inspect(Path(arguments[0]))
    except LearnersFileError as error:
        place = {"file": error.file, "line": error.line}
        result = {
            "error": {
                "code": error.code,
                "message": error.message,
                **{key: value for key, value in place.items() if value is not None},
                "hint": error.hint,
            }
        }
        code = 2
    sys.stdout.flush()
    with open(out, "w", encoding="utf-8") as file:
        file.write(json.dumps(result, allow_nan=False) + "\n")
    return code


def inspect(path: Path) -> dict[str, Any]:
    """Load a learners file and describe its learners.

    Raises
    ------
    LearnersFileError
        When something is missing or does not fit.
    """
    _check_packages(path)
    started, before = time.perf_counter(), _peak_megabytes()
    import adaptive

    study = load(path)
    seconds, megabytes = time.perf_counter() - started, _peak_megabytes() - before
    _check_learners(study, path, (adaptive.BaseLearner, adaptive.DataSaver))
    check_fnames(study, path)
    return {
        "learners": [
            {"fname": _normal(fname), "combo": plain(combo), "type": type(learner).__name__}
            for learner, fname, combo in zip(study.learners, study.fnames, study.combos)
        ],
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("adaptive", "numpy", "mpi4py", "pyzmq")},
        },
        "seconds": round(seconds, 3),
        "megabytes": round(megabytes, 1),
    }


def plain(value: Any) -> Any:
    """Give a parameter as JSON: numbers of numpy as numbers, the rest as `{"$repr": "…"}`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return {"$repr": repr(value)}


def _check_packages(path: Path) -> None:
    missing = [
        package for name, package in REQUIRED.items() if importlib.util.find_spec(name) is None
    ]
    if missing:
        packages = " ".join(REQUIRED.values())
        raise LearnersFileError(
            "missing-packages",
            f"{sys.executable} has no {', '.join(missing)}.",
            str(path),
            hint=f"{sys.executable} -m pip install {packages}",
        )


def _check_learners(study: Study, path: Path, types: tuple[type, ...]) -> None:
    for index, learner in enumerate(study.learners):
        if not isinstance(learner, types):
            raise LearnersFileError(
                "not-a-learner",
                f"learners[{index}] is a {type(learner).__name__}, not a learner of adaptive.",
                str(path),
                line_of(path, "learners"),
                "Put learners into the list, e.g. adaptive.Learner1D(f, bounds=(-1, 1)).",
            )


def _normal(fname: Any) -> Any:
    if isinstance(fname, str):
        return os.path.normpath(fname)
    return [os.path.normpath(name) for name in fname]


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    sys.exit(main())
