"""Why a learner failed, in the words of the code that the user wrote."""

from __future__ import annotations

import functools
import re
import traceback
from typing import Any

#: Files whose frames stand between the runner and the user's function.
MACHINERY = re.compile(r'^  File "[^"]*/(mpi4py|loky|concurrent|multiprocessing|asyncio)/')


def describe(error: Exception, runner: Any = None) -> tuple[str, str]:
    """Describe what ended a runner.

    Parameters
    ----------
    error
        What the runner raised.
    runner
        Knows the point that failed, when it was a point.

    Returns
    -------
    str
        One line, e.g. `ZeroDivisionError: division by zero in h at x = 0.0`.
    str
        The traceback of the process that evaluated the point.
    """
    cause = error.__cause__
    points = _failed_points(runner)
    if not (isinstance(error, RuntimeError) and cause and points):
        return _line(error), "".join(
            traceback.format_exception(error.__class__, error, error.__traceback__)
        )
    where = f"in {_name(runner.learner)} at x = {_plain(points[-1])}"
    return f"{_line(cause)} {where}", _user_traceback(cause)


def _failed_points(runner: Any) -> list[Any]:
    if runner is None:
        return []
    retried = [point for point, _ in runner.to_retry]
    return [point for point, _ in runner.tracebacks if point not in retried]


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")


def _name(learner: Any) -> str:
    function = learner.function
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _plain(point: Any) -> str:
    # numpy 2 shows its numbers as `np.float64(0.1)`.
    return repr(point.item()) if getattr(point, "ndim", None) == 0 else repr(point)


def _user_traceback(error: BaseException) -> str:
    """Give the traceback of the other process, without the frames that carried the call there."""
    remote = error.__cause__
    if type(remote).__name__.lstrip("_") == "RemoteTraceback":
        text = str(remote).strip().strip('"').strip()
        text = text[max(0, text.find("Traceback (most recent call last)")) :]
    else:
        text = "".join(traceback.format_exception(error.__class__, error, error.__traceback__))
    kept, is_ours = [], True
    for line in text.rstrip().splitlines():
        if line.startswith('  File "'):
            is_ours = not MACHINERY.match(line)
        elif not line.startswith("    "):
            is_ours = True
        if is_ours:
            kept.append(line)
    return "\n".join(kept)
