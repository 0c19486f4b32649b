"""Versions of what a learner's data depends on, besides its own code."""

from __future__ import annotations

import functools
import platform
from contextlib import suppress
from importlib import metadata


@functools.cache
def installed() -> dict[str, str]:
    """Give the versions of Python and of the packages that are there, by name."""
    versions = {"python": platform.python_version()}
    for name in ("adaptive", "numpy", "mpi4py", "pyzmq"):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions
