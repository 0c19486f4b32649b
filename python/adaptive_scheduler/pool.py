"""The processes that evaluate points: started, and ended without waiting for them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn

import cloudpickle

from adaptive_scheduler import revision

#: What threads of the study's may still take when nothing else is left to do.
GRACE_SECONDS = 10


def executor() -> Executor:
    """Give the executor of this job, as `ADAPTIVE_EXECUTOR` says.

    `mpi4py`: the ranks above 0. `process-pool` and `loky`: processes of our own, `ADAPTIVE_CORES`
    many. `auto`: the ranks when there are any, else loky.

    To be called for each learner: MPI's is kept for the whole job, the others are replaced when one
    of their processes was killed.

    Raises
    ------
    RuntimeError
        When there are no ranks to evaluate in, but must be.
    """
    _newest[:] = [_executor(os.environ.get("ADAPTIVE_EXECUTOR") or "auto")]
    return _newest[0]


def _executor(kind: str) -> Executor:
    if not _has_ranks():
        _hide_mpi()
    if kind == "process-pool":
        return _process_pool()
    if kind == "mpi4py" and not _has_ranks():
        raise RuntimeError(
            "The executor is mpi4py, but this job has no MPI ranks to evaluate in. Set "
            "executor to auto, loky or process-pool, or the launcher to one of MPI."
        )
    if kind != "loky" and _has_ranks():
        return _mpi_pool()
    import loky

    return loky.get_reusable_executor(  # type: ignore[no-any-return]
        max_workers=_cores(), timeout=None, initializer=_set_up_worker
    )


def set_up_rank() -> None:
    """Prepare a process of an MPI job."""
    from mpi4py import MPI

    # Functions travel by value, so that no rank above 0 imports the learners file.
    MPI.pickle.__init__(cloudpickle.dumps, cloudpickle.loads)  # type: ignore[misc]
    if MPI.COMM_WORLD.Get_rank() > 0:
        _set_up_worker()


def pickle_by_value() -> None:
    """Let the study's functions travel whole: no other process has, or should import, its files."""
    # Only what was imported since: there are thousands of modules, and of learners.
    for name in sys.modules.keys() - _known:
        if revision.is_own(module := sys.modules[name]):
            cloudpickle.register_pickle_by_value(module)
        _known.add(name)


def end_with_main_thread(code: int) -> None:
    """End this process soon after its main thread, whatever other threads the study's code left.

    Python would wait for them, maybe for ever, and the job would keep its cores.
    """

    def follow() -> None:
        threading.main_thread().join()
        time.sleep(GRACE_SECONDS)
        left = [one.name for one in threading.enumerate() if not one.daemon and one.is_alive()]
        if not left:
            return
        print(f"Threads that the study left are ended: {', '.join(left)}.")
        sys.stdout.flush()
        sys.stderr.flush()
        if _is_mpi_parallel():
            sys.modules["mpi4py.MPI"].Finalize()
        os._exit(code)

    threading.Thread(target=follow, daemon=True).start()


def _set_up_worker() -> None:
    outlive_signals()
    end_with_main_thread(0)


def outlive_signals() -> None:
    """Let a process that evaluates points go on after SIGTERM and SIGUSR1.

    The queue's reach every process of a job; one that died of them would take the one that saves
    with it, or leave it with a broken pool.
    """
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def end_process(code: int, running: Executor | None = None) -> NoReturn:
    """End the job's processes at once, whatever they evaluate.

    Parameters
    ----------
    code
        Exit code.
    running
        The executor of a script, whose processes are killed as those of our own are, when it is
        not MPI's.
    """
    for pool in [running, *_newest]:
        processes: dict[int, Any] = getattr(pool, "_processes", None) or {}
        for pid in list(processes):
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    sys.stdout.flush()
    sys.stderr.flush()
    if _is_mpi_parallel():
        # MPI's own word for it; a launcher may take an exit without MPI_Finalize for a crash.
        sys.modules["mpi4py.MPI"].COMM_WORLD.Abort(code)
    os._exit(code)


class ProcessPool(ProcessPoolExecutor):
    """A pool of processes to which functions travel by value, wherever they are defined."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Evaluate a function in one of the processes."""
        return super().submit(_apply, _ByValue((fn, args, kwargs)))


class _ByValue:
    """A value that arrives in another process as itself, pickled by cloudpickle."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        return pickle.loads, (cloudpickle.dumps(self._value),)


def _apply(call: Any) -> _ByValue:
    function, args, kwargs = call
    return _ByValue(function(*args, **kwargs))


def _process_pool() -> Executor:
    if not _pools or getattr(_pools[-1], "_broken", False):
        # Forked, the processes would inherit the threads' locks as they are at that moment.
        context = multiprocessing.get_context("spawn")
        _pools[:] = [ProcessPool(_cores(), context, initializer=_set_up_process)]
    return _pools[-1]


def _set_up_process() -> None:
    _set_up_worker()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    # One whose job was killed would wait for its next point for ever.
    threading.Thread(target=follow, daemon=True).start()


def _mpi_pool() -> Executor:
    if not _mpi_executors:
        from mpi4py.futures import MPIPoolExecutor

        set_up_rank()
        # Not main: the ranks would import the module that started the job.
        _mpi_executors.append(MPIPoolExecutor(main=False, initializer=set_up_rank))
    return _mpi_executors[0]


def _cores() -> int | None:
    """How many processes to start; None for one for each core."""
    return int(os.environ.get("ADAPTIVE_CORES") or 0) or None


def _hide_mpi() -> None:
    """Let adaptive not ask whether an executor is one of MPI: it fails where MPI has no library."""
    runner = sys.modules.get("adaptive.runner")
    if runner is not None and "mpi4py.MPI" not in sys.modules:
        runner.with_mpi4py = False  # type: ignore[attr-defined]


def _has_ranks() -> bool:
    mpi = sys.modules.get("mpi4py.futures._core")
    return mpi is not None and mpi.SharedPool is not None and _is_mpi_parallel()


def _is_mpi_parallel() -> bool:
    mpi = sys.modules.get("mpi4py.MPI")
    return (
        mpi is not None
        and mpi.Is_initialized()
        and not mpi.Is_finalized()
        and mpi.COMM_WORLD.Get_size() > 1
    )


_mpi_executors: list[Executor] = []
_pools: list[ProcessPool] = []
_newest: list[Executor] = []
_known: set[str] = set()
