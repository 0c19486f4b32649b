"""The default runner of a job: one learner after the other, until nothing is left.

Started by the job script as `mpiexec -n N python -m mpi4py.futures -m adaptive_scheduler.run`, or
without MPI as `python -m adaptive_scheduler.run`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import cloudpickle
from adaptive import AsyncRunner

from adaptive_scheduler import pool
from adaptive_scheduler.assignment import Assignment, LearnersChangedError, ask
from adaptive_scheduler.door import Door, Patience, RefusedError
from adaptive_scheduler.job import Job, log
from adaptive_scheduler.learners_file import LearnersFileError, Study, load


def main() -> None:
    """Run learners until the scheduler has none for this job."""
    job = Job.from_environment()
    study = load_study(job)
    door = Door(job, Patience())
    while (assignment := ask(job, door, study.learners, study.fnames)) is not None:
        log(f"learner {assignment.number} {assignment}: started")
        asyncio.run(run(assignment, getattr(study.module, "goal", None)))


def load_study(job: Job) -> Study:
    """Load the learners file of this job's code revision; its functions will travel by value."""
    study = load(job.code_dir / os.environ["ADAPTIVE_LEARNERS_FILE"])
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and job.code_dir in Path(file).parents:
            cloudpickle.register_pickle_by_value(module)
    return study


async def run(assignment: Assignment, script_goal: Any) -> None:
    """Run a learner to its goal, from what its data files hold.

    Parameters
    ----------
    assignment
        The learner.
    script_goal
        `goal` of the learners file, for a run that has none: a function of the learner, or None to
        go on until the learner is stopped.
    """
    loop = asyncio.get_running_loop()
    learner = assignment.learner
    try:
        learner.load(assignment.fname)
        runner = AsyncRunner(
            learner,
            # Never None, which adaptive warns of: a run's own goal and its stop end it too.
            goal=(not assignment.has_goal and script_goal) or (lambda _: False),
            executor=pool.executor(),
            ioloop=loop,
            retries=assignment.retries,
        )
        runner.start_periodic_saving({"fname": assignment.fname}, interval=assignment.save_every)
        loop.add_signal_handler(signal.SIGTERM, assignment.end_now, "terminated")
        await runner.task
    except Exception as error:
        assignment.fail(*described(error))
        return
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    assignment.finish()


def described(error: Exception) -> tuple[str, str]:
    """Say in one line what went wrong in the user's function, and give its traceback."""
    # adaptive raises a RuntimeError of its own from the one of the function.
    cause = error.__cause__ or error
    place = ""
    if error.__cause__ is not None:
        # 'An error occured while evaluating "learner.function(0.0)". …'
        point = str(error).partition("learner.function(")[2].partition(')"')[0]
        place = f" at x = {point}" if point else ""
    message = " ".join(str(cause).split())
    text = "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))
    return f"{type(cause).__name__}: {message}{place}", text


if __name__ == "__main__":
    try:
        main()
    except LearnersFileError as error:
        sys.exit(f"{error.file}:{error.line or 1}: {error.message}")
    except (LearnersChangedError, RefusedError) as error:
        sys.exit(str(error))
