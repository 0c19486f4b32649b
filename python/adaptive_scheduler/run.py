"""The default runner of a job: asks for learners and runs them, one after the other.

Started as `mpiexec -n N python -m mpi4py.futures -m adaptive_scheduler.run`, where rank 0 chooses
the points and the others evaluate; or without MPI as `python -m adaptive_scheduler.run`, with
processes of its own. `pool.executor` says which.

Exit codes: 0 when nothing is left, no scheduler answers, or the learner was stopped at once; 75
when it has been given to another job, or the walltime is nearly over, as the clock or SIGUSR1 says;
143 after SIGTERM; 1 when this job cannot run learners.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import adaptive

from adaptive_scheduler import pool
from adaptive_scheduler.assignment import Assignment
from adaptive_scheduler.door import Door, Patience, RefusedError
from adaptive_scheduler.ending import Ending
from adaptive_scheduler.failure import catch_errors, describe
from adaptive_scheduler.goal import of_file
from adaptive_scheduler.job import Job, log
from adaptive_scheduler.learners_file import LearnersFileError, Study, load
from adaptive_scheduler.start import LearnersChangedError, NotMadeError, ask

PATIENCE = Patience()


def main() -> None:
    """Run learners until the scheduler has none left."""
    job = Job.from_environment()
    running: list[Assignment] = []
    ending = Ending(lambda: running)
    ending.watch_signals()
    warnings.filterwarnings("ignore", "Goal is None")  # an endless learner is meant to be
    study = load_study(job)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    door = Door(job, PATIENCE)
    first_saves: list[float] = []
    while True:
        try:
            asked = ask(job, door, study, first_saves)
        except NotMadeError as error:
            log(str(error))
            continue
        if asked is None:
            return
        assignment, index = asked
        running.append(assignment)
        log(f"learner {assignment.number} {assignment}: started")
        pool.pickle_by_value()
        _run(assignment, study.goal, loop)
        running.clear()
        ending.obey()
        if assignment.first_save is not None:
            first_saves.append(assignment.first_save)
        study.forget(index)


def _run(
    assignment: Assignment,
    goal: Callable[[Any], bool] | None,
    loop: asyncio.AbstractEventLoop,
) -> None:
    """Run a learner until its goal, a wish or an error ends it, and tell the scheduler."""
    runner: Any = None
    learner = assignment.learner
    # The goal of the run, which the assignment adds, takes the place of the file's.
    goal = None if goal is None or assignment.has_goal else of_file(goal)
    is_loaded = False
    try:
        learner.load(assignment.fname)
        is_loaded = True
        if not assignment.is_reached(goal):
            is_async = inspect.iscoroutinefunction(learner.function)
            runner = adaptive.AsyncRunner(
                learner,
                goal=goal,
                executor=None if is_async else pool.executor(),
                ioloop=loop,
                retries=assignment.retries,
                raise_if_retries_exceeded=True,
            )
            if not is_async:
                catch_errors(runner)
            loop.run_until_complete(runner.task)
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        # What was not loaded must not be overwritten by an empty learner.
        assignment.fail(*describe(error, runner), save=is_loaded)
        return
    with suppress(OSError):  # that it could not be saved has been told
        assignment.finish()


def load_study(job: Job) -> Study:
    """Load the learners file of a job's code; ends the process when it cannot be."""
    try:
        return load(job.code_dir / os.environ["ADAPTIVE_LEARNERS_FILE"])
    except LearnersFileError as error:
        if cause := error.__cause__:
            # To the same stream as what follows: launchers mix two of them up.
            traceback.print_exception(type(cause), cause, cause.__traceback__, file=sys.stdout)
        # The form is known to the scheduler, which tells this to a person.
        print(f"adaptive-scheduler: learners-file: {error.fault}", flush=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    except (LearnersChangedError, RefusedError) as error:
        log(str(error))
    finally:
        pool.end_with_main_thread(code)
    sys.exit(code)
