"""Evaluates one point of some learners, as the default runner would, and tells what it cost.

Started as `adaptive_scheduler.run` is, with the learners in `ADAPTIVE_TRY`, a JSON list of
`{"learner": 7, "index": 3, "fname": "data/7"}`. Nothing is saved.
"""

from __future__ import annotations

import inspect
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from adaptive_scheduler import datafile, pool
from adaptive_scheduler.door import Door, Message, Patience, RefusedError
from adaptive_scheduler.failure import Caught, describe, describe_point, refuse_what_is_lost
from adaptive_scheduler.job import Job, log
from adaptive_scheduler.kinds import parts_of, plain
from adaptive_scheduler.learners_file import LearnersFileError, Study
from adaptive_scheduler.run import load_study

MAX_TEXT = 1000
#: Below 16 KiB of UTF-16.
MAX_TRACEBACK = 8000

#: What is known before a point is evaluated.
NOTHING: Message = {"point": "", "value": None, "seconds": 0.0, "megabytes": 0.0}

PATIENCE = Patience()


class _TimeIsUpError(Exception):
    """The job was told to end, or its walltime is nearly over."""


class _Clock:
    """Interrupts waiting for a point when the job was told to end, or its walltime is nearly over.

    Attributes
    ----------
    is_up
        Whether that has happened.
    """

    def __init__(self, job: Job) -> None:
        self.is_up = False
        for kind in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
            signal.signal(kind, self._interrupt)
        if job.deadline is not None:
            signal.setitimer(signal.ITIMER_REAL, max(0.1, job.deadline.last_call(0) - time.time()))

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self.is_up:
            self.is_up = True
            raise _TimeIsUpError


def main() -> None:
    """Try a point of each learner that the job was submitted for, and tell the scheduler."""
    job = Job.from_environment()
    wanted = json.loads(os.environ["ADAPTIVE_TRY"])
    study = load_study(job)
    pool.pickle_by_value()
    refuse_what_is_lost()
    clock = _Clock(job)
    trials = []
    with suppress(_TimeIsUpError):  # between two points
        for entry in wanted:
            if clock.is_up:
                break
            trial = _try(study, entry)
            trials.append({"learner": entry["learner"], **trial})
            log(f"learner {entry['learner']}: {trial['error'] or trial['value']}")
    for entry in wanted[len(trials) :]:
        error = "not tried: the job's time was up before"
        trials.append({"learner": entry["learner"], **NOTHING, "error": error, "traceback": None})
    door = Door(job, PATIENCE)
    message = {"type": "tried", "trials": trials}
    if door.ask(message, PATIENCE.ending) is None:
        door.leave(message)
    pool.end_process(0)  # without waiting for a point that takes too long


def _try(study: Study, entry: Message) -> Message:
    """Give the trial of a learner as the scheduler knows it, without the learner's number."""
    trial = dict(NOTHING)
    started, learner, point = time.perf_counter(), None, None
    is_measured = False
    try:
        index = study.find(entry["fname"], entry["index"])
        if index is None:
            raise LookupError(f"the learners file has no learner with the file {entry['fname']!r}")
        learner = study.learner(index)
        _load(learner, entry["fname"])
        points, _ = learner.ask(1)
        if not points:
            raise LookupError("no point is left to evaluate: the learner is done")
        point = points[0]
        trial["point"] = plain(point)
        started = time.perf_counter()
        if inspect.iscoroutinefunction(learner.function):
            raise TypeError("an async function cannot be tried")
        measured = pool.executor().submit(_measure, Caught(learner.function), point).result()
        value, trial["seconds"], trial["megabytes"] = measured
        is_measured = True
        learner.tell(point, value)  # whether it takes such a value
        return {**trial, "value": plain(value)[:MAX_TEXT], "error": None, "traceback": None}
    except _TimeIsUpError:
        trial["seconds"] = time.perf_counter() - started
        error, words = f"not finished after {trial['seconds']:.0f} s: the job's time is up", ""
    except LearnersFileError as fault:
        cause = fault.__cause__ or fault
        error, words = (
            str(fault),
            "".join(traceback.format_exception(cause.__class__, cause, cause.__traceback__)),
        )
    except Exception as fault:
        if not is_measured:
            trial["seconds"] = time.perf_counter() - started
        is_of_point = bool(trial["point"]) and not is_measured
        error, words = describe_point(fault, learner, point) if is_of_point else describe(fault)
    return {**trial, "error": error[:MAX_TEXT], "traceback": words[-MAX_TRACEBACK:]}


def _load(learner: Any, fname: Any) -> None:
    """Load the data that is there; what is unreadable is for the run itself to deal with."""
    names = [fname] if isinstance(fname, str) else fname
    for part, name in zip(parts_of(learner), names):
        with suppress(FileNotFoundError, datafile.UnreadableError):
            data = datafile.load(datafile.data_path(name))
            part._set_data(datafile.without_function(data))


def _measure(function: Callable[[Any], Any], point: Any) -> tuple[Any, float, float]:
    """Evaluate a point; gives the value, seconds, and peak resident memory in MB."""
    with suppress(OSError):  # from here on: the process may have evaluated something larger before
        Path("/proc/self/clear_refs").write_text("5")
    started = time.perf_counter()
    value = function(point)
    return value, time.perf_counter() - started, _peak_megabytes()


def _peak_megabytes() -> float:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    try:
        main()
    except RefusedError as error:
        log(str(error))
        sys.exit(1)
