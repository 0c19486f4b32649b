"""The processes that evaluate points: started, and ended without waiting for them."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, NoReturn

import cloudpickle


def executor() -> Executor:
    """Give the executor of this job: the ranks above 0, or without MPI processes of our own.

    To be called for each learner: MPI's is kept for the whole job, and the other one is replaced
    when one of its processes was killed.
    """
    mpi = sys.modules.get("mpi4py.futures._core")
    if mpi is None or mpi.SharedPool is None or not _is_mpi_parallel():
        import loky

        return loky.get_reusable_executor(timeout=None)  # type: ignore[no-any-return]
    if not _mpi_executors:
        from mpi4py.futures import MPIPoolExecutor

        set_up_rank()
        # Not main: the ranks would import the module that started the job.
        _mpi_executors.append(MPIPoolExecutor(main=False, initializer=set_up_rank))
    return _mpi_executors[0]


def set_up_rank() -> None:
    """Prepare a process of an MPI job."""
    from mpi4py import MPI

    # Functions travel by value, so that no rank above 0 imports the learners file.
    MPI.pickle.__init__(cloudpickle.dumps, cloudpickle.loads)  # type: ignore[misc]
    if MPI.COMM_WORLD.Get_rank() > 0:
        # The queue's SIGTERM reaches every rank; one that died of it would take rank 0, which
        # saves, with it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def end_process(code: int, running: Executor | None = None) -> NoReturn:
    """End the job's processes at once, whatever they evaluate.

    Parameters
    ----------
    code
        Exit code.
    running
        The executor whose processes are killed, when it is not MPI's.
    """
    processes: dict[int, Any] = getattr(running, "_processes", None) or {}
    for pid in list(processes):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    sys.stdout.flush()
    sys.stderr.flush()
    if _is_mpi_parallel():
        # MPI's own word for it; a launcher may take an exit without MPI_Finalize for a crash.
        sys.modules["mpi4py.MPI"].COMM_WORLD.Abort(code)
    os._exit(code)


def _is_mpi_parallel() -> bool:
    mpi = sys.modules.get("mpi4py.MPI")
    return (
        mpi is not None
        and mpi.Is_initialized()
        and not mpi.Is_finalized()
        and mpi.COMM_WORLD.Get_size() > 1
    )


_mpi_executors: list[Executor] = []
