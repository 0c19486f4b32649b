"""What a script that runs a learner calls: ask for a learner, and say that it is done.

Inside a job the script's own `url` is not needed: the run directory says where its scheduler is.
"""

from __future__ import annotations

import asyncio
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from adaptive_scheduler import pool
from adaptive_scheduler.assignment import Assignment, Fname
from adaptive_scheduler.door import Door, Patience
from adaptive_scheduler.ending import Ending
from adaptive_scheduler.fnames import normal
from adaptive_scheduler.job import NOTHING_LEFT, Job, log, rank
from adaptive_scheduler.learners_file import Study
from adaptive_scheduler.start import ask

PATIENCE = Patience()

_doors: list[Door] = []
_assignments: list[Assignment] = []
_first_saves: list[float] = []
_ending = Ending(lambda: _assignments)

if rank() > 0 and "ADAPTIVE_RUN_DIR" in os.environ:
    pool.outlive_signals()


def get_learner(
    url: str | None,
    learners: Sequence[Any] | Callable[[Any], Any],
    combos: Sequence[Any] | None = None,
) -> tuple[Any, Fname]:
    """Ask the scheduler which learner to run.

    Until `is_done` the learner's data is saved only while this job may save it, its progress is
    reported, and its runner ends also at the run's goal and when the run is stopped.

    Parameters
    ----------
    url : str
        Ignored inside a job, where the run's own address is used.
    learners : list of learners, or function
        The `learners` of the learners file, or its `make_learner`; what else the file defines is
        found beside it.
    combos : list of dict, optional
        Not needed any more.

    Returns
    -------
    learner, fname
        The learner, not loaded, and its file name, for a BalancingLearner a list.

    Raises
    ------
    SystemExit
        With 75 when there is nothing to run, or no scheduler answers.
    RuntimeError
        Outside of a job, in the worker processes of one, and before the learner that it gave last
        is done.
    """
    job = Job.from_environment()
    if _assignments:
        raise RuntimeError(
            f"get_learner was called again before is_done(url, {_assignments[0].fname!r}): a job "
            "runs one learner at a time."
        )
    study = _study_beside(learners)
    log(f"the scheduler of {job.run_dir} is asked, instead of {url}")
    _ensure_event_loop()
    if not _doors:
        _doors.append(Door(job, PATIENCE))
        _ending.watch_signals()
        _ending.watch_errors()
    _ending.obey()
    asked = ask(job, _doors[0], study, _first_saves)
    if asked is None:
        raise SystemExit(NOTHING_LEFT)
    assignment, _ = asked
    _assignments.append(assignment)
    pool.pickle_by_value()
    log(f"learner {assignment.number} {assignment}: started")
    return assignment.learner, assignment.fname


def is_done(url: str | None, fname: Fname) -> None:
    """Save the learner and tell the scheduler that it is done.

    Parameters
    ----------
    url : str
        Ignored inside a job.
    fname : str or list of str
        What `get_learner` returned.

    Raises
    ------
    OSError
        When the data could not be saved.
    SystemExit
        With 75, when the learner was given to another job meanwhile.
    """
    Job.from_environment()
    for assignment in _assignments:
        if normal(assignment.fname) == normal(fname):
            try:
                assignment.finish()
            finally:
                _assignments.remove(assignment)
            if assignment.first_save is not None:
                _first_saves.append(assignment.first_save)
            return
    given = repr(_assignments[0].fname) if _assignments else "none that is not done"
    raise ValueError(f"{fname!r} is not the file name that get_learner gave: it gave {given}.")


tell_done = is_done


def _study_beside(learners: Any) -> Study:
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        if (names.get("learners") is learners and "fnames" in names) or (
            names.get("make_learner") is learners and "fname" in names
        ):
            return Study(module, Path(getattr(module, "__file__", None) or module.__name__))
    raise LookupError(
        "No module has these `learners` and, beside them, `fnames`. Define both lists in one file "
        "and import them, `from _learners import learners, combos`; or give the `make_learner` of "
        "a file that also defines `fname`."
    )


def _ensure_event_loop() -> None:
    # Since Python 3.14 the main thread has none of itself, and a runner may expect it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            asyncio.get_event_loop()
        except RuntimeError:
            asyncio.set_event_loop(asyncio.new_event_loop())
