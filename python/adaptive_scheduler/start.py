"""How a job gets its next learner."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from adaptive_scheduler import packages
from adaptive_scheduler.assignment import MAX_ERROR, MAX_TRACEBACK, Assignment
from adaptive_scheduler.counts import plural
from adaptive_scheduler.door import Door, Message
from adaptive_scheduler.job import Job, log
from adaptive_scheduler.learners_file import LearnersFileError, Study
from adaptive_scheduler.versions import installed


class LearnersChangedError(RuntimeError):
    """The learners file of this job is not the one that the scheduler knows."""


class NotMadeError(RuntimeError):
    """The learner that this job was given could not be made; the scheduler knows."""


def ask(
    job: Job, door: Door, study: Study, first_saves: Sequence[float] = ()
) -> tuple[Assignment, int] | None:
    """Ask the scheduler for a learner.

    Parameters
    ----------
    job, door
        Who asks, and through which door.
    study
        The learners file.
    first_saves
        Seconds to the first save of the learners that this process has had.

    Returns
    -------
    The learner, guarded and reported on, and its index in the file; or None when there is nothing
    to run, too little time, or no scheduler that answers.

    Raises
    ------
    LearnersChangedError
        When the file has no learner with the file name that was given out.
    NotMadeError
        When the learner cannot be made.
    """
    if job.deadline and not job.deadline.leaves_time(first_saves):
        log(f"no further learner: {job.deadline.left():.0f} s are left of the walltime")
        return None
    start = {
        "type": "start",
        "resourceClass": job.resource_class,
        "revision": job.revision,
        "versions": installed(),
    }
    if without_mpi := packages.of_job_without_mpi():
        start["withoutMpi"] = without_mpi
    reply = door.ask(start, door.patience.start)
    if reply is None:
        log(f"no learner: {door.trouble()}")
        return None
    if reply.get("type") != "assign":
        log(f"no learner: {reply.get('why')}")
        return None
    index = study.find(reply["fname"], reply["index"])
    if index is None:
        detail = _mismatch(study, reply["fname"], reply["index"])
        released = {"type": "released", "why": "learners-changed", "detail": detail[:MAX_ERROR]}
        _give_back(door, reply, released)
        raise LearnersChangedError(
            f"{detail}. Update the run, so that the scheduler reads the learners file again; names "
            "that differ between two environments (numpy 1 and 2 print numbers differently) do "
            "this too."
        )
    try:
        study.check_fname(index)
        learner = study.learner(index)
    except LearnersFileError as error:
        words = "".join(traceback.format_exception(error.__class__, error, error.__traceback__))
        failed = {"type": "failed", "error": str(error), "traceback": words[-MAX_TRACEBACK:]}
        _give_back(door, reply, failed)
        raise NotMadeError(str(error)) from error
    return Assignment(job, door, reply, learner, study.fname(index)), index


def _mismatch(study: Study, fname: Any, index: int) -> str:
    """Say which file name stands where the scheduler expects another one."""
    there = (
        f"{study.name_of_fname(index)} is {study.fname(index)!r:.200}"
        if index < len(study)
        else f"the file has only {plural(len(study), 'learner')}"
    )
    return (
        f"in {study.path.name} {there}, where the run has {fname!r:.200}, and no learner has that "
        "file name"
    )


def _give_back(door: Door, reply: Message, message: Message) -> None:
    progress = {"learner": reply["learner"], "epoch": reply["epoch"], "npoints": 0, "loss": None}
    message = {**message, **progress}
    if door.ask(message, door.patience.ending) is None:
        door.leave(message)
