"""How a job gets its next learner."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from typing import Any

from adaptive_scheduler.assignment import Assignment, Fname
from adaptive_scheduler.door import Door
from adaptive_scheduler.job import Job, log


class LearnersChangedError(RuntimeError):
    """The learners file of this job is not the one that the scheduler knows."""


def ask(
    job: Job, door: Door, learners: Sequence[Any], fnames: Sequence[Fname]
) -> Assignment | None:
    """Ask the scheduler for a learner.

    Parameters
    ----------
    job, door
        Who asks, and through which door.
    learners, fnames
        The lists of the learners file.

    Returns
    -------
    The learner, guarded and reported on, or None when there is nothing to run.

    Raises
    ------
    SystemExit
        With 0, when no scheduler answers in time.
    LearnersChangedError
        When another file name, or none, stands at the learner's place in the list.
    """
    start = {"type": "start", "resourceClass": job.resource_class, "revision": job.revision}
    reply = door.ask(start, door.patience.start)
    if reply is None:
        log(f"no learner: {door.trouble()}")
        raise SystemExit(0)
    if reply.get("type") != "assign":
        log(f"no learner: {reply.get('why')}")
        return None
    index = reply["index"]
    if index < len(learners) == len(fnames) and normal(fnames[index]) == normal(reply["fname"]):
        return Assignment(job, door, reply, learners[index], fnames[index])
    progress = {"learner": reply["learner"], "epoch": reply["epoch"], "npoints": 0, "loss": None}
    released = {"type": "released", **progress, "why": "learners-changed"}
    if door.ask(released, door.patience.ending) is None:
        door.leave(released)
    raise LearnersChangedError(
        f"The scheduler gave out learner {index} with the file {reply['fname']!r}, but the "
        "learners file of this job has "
        + (f"{fnames[index]!r}" if index < len(fnames) else f"only {len(fnames)} learners")
        + " there. Start Jobs again, so that the scheduler reads the changed file; names that "
        "differ between two environments (numpy 1 and 2 print numbers differently) do this too."
    )


def normal(fname: Fname) -> list[str]:
    """Give file name(s) in the form in which they are compared."""
    return [os.path.normpath(name) for name in ([fname] if isinstance(fname, str) else fname)]
