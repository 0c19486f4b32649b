"""Tells whether the processes that a launcher starts find each other.

Started as `mpiexec -n 2 python -m adaptive_scheduler.probe_mpi`, where rank 0 prints a JSON object:
`world`, how many processes have spoken with each other; `mpi`, the library's version; `host`, where
it ran. With a launcher that does not fit the MPI library each process is a world of its own, and
prints 1. `error` instead, with exit code 1, means that there is no MPI at all.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any


def main() -> int:
    """Print what rank 0 sees; returns the exit code."""
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter when the library cannot be loaded
        _print(error=f"{sys.executable} has no MPI: {type(error).__name__}: {error}")
        return 1
    world = MPI.COMM_WORLD.allreduce(1)
    if MPI.COMM_WORLD.Get_rank() == 0:
        # One line without its build options, of which MPICH tells many.
        library = MPI.Get_library_version().strip("\0 \n").splitlines()[0]
        _print(world=world, mpi=" ".join(library.split()), host=socket.gethostname())
    return 0


def _print(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    sys.exit(main())
