"""Versions of what a learner's data depends on, besides its own code."""

from __future__ import annotations

import functools
import platform
from importlib import metadata


@functools.cache
def installed() -> dict[str, str]:
    """Give the versions of Python and of the packages that are needed, by name."""
    packages = ("adaptive", "numpy", "mpi4py", "pyzmq")
    return {
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages},
    }
