"""Why a learner failed, in the words of the code that the user wrote."""

from __future__ import annotations

import pickle
import re
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import Any

from adaptive_scheduler.goal import GoalError
from adaptive_scheduler.kinds import place_of

#: Files whose frames stand between the runner and the user's function.
MACHINERY = re.compile(
    r'^  File "[^"]*/(mpi4py|loky|concurrent|multiprocessing|asyncio|adaptive_scheduler)/'
)


class ToldError(Exception):
    """What a function raised, in words.

    It was meant to end the process, which is none of a function's business; or no other process can
    read it, as most errors that are classes of the learners file, or that take several arguments.
    """


class Caught:
    """A function whose errors, `sys.exit` too, reach whoever asked, wherever it is called."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, point: Any) -> Any:
        """Evaluate the function."""
        try:
            return self.function(point)
        except BaseException as error:
            if isinstance(error, Exception) and _can_travel(error):
                raise
            words = ToldError(f"{type(error).__name__}: {_text(error)}")
            words.__cause__, words.__context__ = error.__cause__, error.__context__
            words.__suppress_context__ = error.__suppress_context__
            words.__traceback__ = error.__traceback__
        # Not above: then it would be told twice.
        raise words


def _can_travel(error: Exception) -> bool:
    """Whether every way to another process takes an error there, to be told in its own words."""
    try:
        pickle.loads(pickle.dumps(error))
        str(error)
    except Exception:
        return False
    return True


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as fault:
        return f"its text cannot be shown: {type(fault).__name__}"


def catch_errors(runner: Any) -> None:
    """Have a runner that evaluates points in an executor see every error."""
    function = Caught(runner.learner.function)
    runner._submit = lambda point: runner.ioloop.run_in_executor(runner.executor, function, point)


def refuse_what_is_lost() -> None:
    """Have a value fail of which a learner would keep the real part only, without a word."""
    import numpy as np

    lossy = getattr(np, "exceptions", np).ComplexWarning
    warnings.filterwarnings("error", category=lossy, module=r"adaptive\.learner\.")


def describe(error: BaseException, runner: Any = None) -> tuple[str, str]:
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
    if isinstance(error, GoalError) and cause is not None:
        return f"{error}: {_line(cause)}", _user_traceback(cause)
    points = _failed_points(runner)
    if isinstance(error, BrokenExecutor):
        return _killed(runner.learner if points else None, points), _traceback(error)
    if not (isinstance(error, RuntimeError) and cause and points):
        return _line(error), _traceback(error)
    return describe_point(cause, runner.learner, points[-1])


def describe_point(error: BaseException, learner: Any, point: Any) -> tuple[str, str]:
    """Describe what evaluating a point raised, by a line and a traceback as `describe` does."""
    if isinstance(error, BrokenExecutor):
        return _killed(learner, [point]), _traceback(error)
    return f"{_line(error)} in {place_of(learner, point)}", _user_traceback(error)


def _killed(learner: Any, points: list[Any]) -> str:
    where = f" while evaluating {place_of(learner, points[-1])}" if points else ""
    return f"a worker process was killed{where}: most often it had used up the memory"


def _failed_points(runner: Any) -> list[Any]:
    if runner is None:
        return []
    retried = [point for point, _ in runner.to_retry]
    # Not `in`: points may be arrays or whatever else a sequence holds.
    return [
        point
        for point, _ in runner.tracebacks
        if not any(point is candidate for candidate in retried)
    ]


def _line(error: BaseException) -> str:
    kind = "" if isinstance(error, ToldError) else f"{type(error).__name__}: "
    words = " ".join(f"{kind}{error}".split()).rstrip(": ")
    return f"{words}. {NO_COMPLEX}" if _is_about_complex(error) else words


#: What to do about a complex value of a learner that holds real ones.
NO_COMPLEX = (
    "This type of learner keeps real values only: return a vector, [y.real, y.imag], "
    "or what shall be learned of it, such as abs(y)."
)


def _is_about_complex(error: BaseException) -> bool:
    """Whether adaptive, not the function itself, could not take a complex value."""
    frames = traceback.extract_tb(error.__traceback__)
    is_of_adaptive = bool(frames) and "/adaptive/learner/" in frames[-1].filename
    is_complaint = isinstance(error, TypeError) or type(error).__name__ == "ComplexWarning"
    return is_of_adaptive and is_complaint and "complex" in str(error).lower()


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error.__class__, error, error.__traceback__))


def _user_traceback(error: BaseException) -> str:
    """Give the traceback of the other process, without the frames that carried the call there."""
    remote = error.__cause__
    if type(remote).__name__.lstrip("_") == "RemoteTraceback":
        text = str(remote).strip().strip('"').strip()
        text = text[max(0, text.find("Traceback (most recent call last)")) :]
    else:
        text = _traceback(error)
    kept, is_ours = [], True
    for line in text.rstrip().splitlines():
        if line.startswith('  File "'):
            is_ours = not MACHINERY.match(line)
        elif not line.startswith("    "):
            is_ours = True
        if is_ours:
            kept.append(line.removeprefix(f"{__name__}.{ToldError.__name__}: "))
    return "\n".join(kept)
