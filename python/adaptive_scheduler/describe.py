"""What a Python has of what a job needs, as JSON: `python -m adaptive_scheduler.describe`."""

from __future__ import annotations

import platform
import sys
from contextlib import suppress
from importlib import metadata

from adaptive_scheduler import answer, packages

#: Installed by these names.
NAMES = (*packages.REQUIRED.values(), "mpi4py")


def main() -> int:
    """Print what this Python is; returns the exit code."""
    answer.redirect_prints()
    versions = {}
    for name in NAMES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    answer.give(
        {
            "executable": sys.executable,
            "prefix": sys.prefix,
            "version": platform.python_version(),
            "packages": versions,
            "missing": packages.missing(),
            "hasMpi": "mpi4py" in versions and packages.why_no_mpi() is None,
        }
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
