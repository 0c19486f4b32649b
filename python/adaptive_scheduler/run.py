"""The default runner of a job: asks for learners and runs them, one after the other.

Started as `mpiexec -n N python -m mpi4py.futures -m adaptive_scheduler.run`, where rank 0 chooses
the points and the others evaluate; or without MPI as `python -m adaptive_scheduler.run`, with
processes of its own (as many as `LOKY_MAX_CPU_COUNT` says, else one for each core).

Exit codes: 0 when nothing is left, no scheduler answers, or the learner was stopped at once; 75
when it has been given to another job; 143 after SIGTERM; 1 when this job cannot run learners.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import adaptive
import cloudpickle

from adaptive_scheduler import pool
from adaptive_scheduler.assignment import Assignment
from adaptive_scheduler.door import Door, Patience, RefusedError
from adaptive_scheduler.failure import describe
from adaptive_scheduler.job import TERMINATED, Job, log
from adaptive_scheduler.learners_file import LearnersFileError, Study, load
from adaptive_scheduler.start import LearnersChangedError, ask

PATIENCE = Patience()


def main() -> None:
    """Run learners until the scheduler has none left."""
    job = Job.from_environment()
    ending = _Ending()
    signal.signal(signal.SIGTERM, ending)
    warnings.filterwarnings("ignore", "Goal is None")  # an endless learner is meant to be
    study = _load_study(job)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    door = Door(job, PATIENCE)
    while True:
        assignment = ask(job, door, study.learners, study.fnames)
        if assignment is None:
            return
        ending.assignment = assignment
        index = _index(study, assignment)
        log(f"learner {assignment.number} {assignment}: started")
        _pickle_by_value(job.code_dir)
        _run(assignment, getattr(study.module, "goal", None), loop)
        ending.assignment = None
        if ending.is_wanted:
            pool.end_process(TERMINATED)
        _forget_data(study, index)


class _Ending:
    """Handler of SIGTERM: saves the learner that runs, if any, and ends the job."""

    def __init__(self) -> None:
        self.assignment: Assignment | None = None
        self.is_wanted = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.is_wanted = True
        if self.assignment is not None:
            self.assignment.terminate()
        else:
            log("terminated")
            pool.end_process(TERMINATED)


def _run(
    assignment: Assignment, goal: Callable[[Any], bool] | None, loop: asyncio.AbstractEventLoop
) -> None:
    """Run a learner until its goal, a wish or an error ends it, and tell the scheduler."""
    runner: Any = None
    try:
        assignment.learner.load(assignment.fname)
        runner = adaptive.AsyncRunner(
            assignment.learner,
            # The goal of the run, which the hook of assignment adds, takes the place of the file's.
            goal=None if assignment.has_goal else goal,
            executor=pool.executor(),
            ioloop=loop,
            retries=assignment.retries,
            raise_if_retries_exceeded=True,
        )
        saving = runner.start_periodic_saving(
            {"fname": assignment.fname}, interval=assignment.save_every
        )
        try:
            loop.run_until_complete(runner.task)
        finally:
            saving.cancel()
            with suppress(asyncio.CancelledError, Exception):
                loop.run_until_complete(saving)
    except Exception as error:
        # What was not loaded must not be overwritten by an empty learner.
        assignment.fail(*describe(error, runner), save=runner is not None)
        return
    with suppress(OSError):  # that it could not be saved has been told
        assignment.finish()


def _load_study(job: Job) -> Study:
    path = job.code_dir / os.environ["ADAPTIVE_LEARNERS_FILE"]
    try:
        return load(path)
    except LearnersFileError as error:
        where = error.file if error.line is None else f"{error.file}:{error.line}"
        log(f"{where}: {error.message} {error.hint}")
        raise SystemExit(1) from error


def _index(study: Study, assignment: Assignment) -> int:
    return next(i for i, learner in enumerate(study.learners) if learner is assignment.learner)


def _forget_data(study: Study, index: int) -> None:
    """Free the data of a learner that ended: a job may run thousands."""
    if isinstance(study.learners, list):
        study.learners[index] = study.learners[index].new()


def _pickle_by_value(code_dir: Path) -> None:
    """Let the study's functions travel whole: no other process has, or should import, its files."""
    root = code_dir.resolve()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and root in Path(file).resolve().parents:
            cloudpickle.register_pickle_by_value(module)


if __name__ == "__main__":
    try:
        main()
    except (LearnersChangedError, RefusedError) as error:
        log(str(error))
        sys.exit(1)
