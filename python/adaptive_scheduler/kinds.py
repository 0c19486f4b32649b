"""What kind of learner it is: its type, its domain, its parts, and where it evaluates.

Types are told by their names, so that adaptive need not be imported.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, Optional

from adaptive_scheduler.counts import plural

Bounds = Optional[list[list[float]]]

#: Longest text of a point in a message.
MAX_POINT = 200


def class_of(learner: Any) -> str:
    """Name of the class of adaptive that it is, or that it extends; empty for anything else."""
    for kind in type(learner).__mro__:
        if kind.__module__.split(".")[0] == "adaptive" and kind.__name__ != "BaseLearner":
            return kind.__name__
    return ""


def type_of(learner: Any) -> str:
    """Name its type with that of what it wraps, e.g. `DataSaver(Learner2D)`."""
    kind = class_of(learner)
    if kind == "DataSaver":
        return f"DataSaver({type_of(learner.learner)})"
    if kind == "BalancingLearner":
        return f"BalancingLearner({type_of(learner.learners[0]) if learner.learners else ''})"
    return kind


def unwrapped(learner: Any) -> Any:
    """Give the learner inside of DataSavers."""
    while class_of(learner) == "DataSaver":
        learner = learner.learner
    return learner


def parts_of(learner: Any) -> list[Any]:
    """Give the learners that have a data file each: a BalancingLearner's children, or itself."""
    return list(learner.learners) if class_of(learner) == "BalancingLearner" else [learner]


def bounds_of(learner: Any) -> Bounds:
    """Give the ends of its domain, for each dimension; of a sequence its first and last index.

    None where there are no such ends: seeds, a hull, or children with different ones.
    """
    learner = unwrapped(learner)
    kind = class_of(learner)
    if kind == "BalancingLearner":
        found = [bounds_of(child) for child in learner.learners]
        return found[0] if found and all(bounds == found[0] for bounds in found) else None
    if kind in ("Learner1D", "AverageLearner1D", "IntegratorLearner"):
        return _finite([learner.bounds])
    if kind in ("Learner2D", "LearnerND"):
        return None if hasattr(learner.bounds, "vertices") else _finite(learner.bounds)
    if kind == "SequenceLearner":
        return [[0, max(0, len(learner.sequence) - 1)]]
    return None


def misfit(learner: Any, fname: Any) -> str | None:
    """Say why its data files do not fit the learner, or None."""
    if class_of(learner) != "BalancingLearner":
        if isinstance(fname, str):
            return None
        return f"is a list, but a {type_of(learner)} has one data file"
    # adaptive takes a string for a list of names, and drops the data of children without one.
    count = len(learner.learners)
    if isinstance(fname, str):
        return f"is one name, but a BalancingLearner needs a list of {count}, one for each learner"
    if len(fname) != count:
        names, learners = plural(len(fname), "name"), plural(count, "learner")
        return f"has {names}, but the BalancingLearner has {learners}"
    return None


def place_of(learner: Any, point: Any) -> str:
    """Say where a function is evaluated, e.g. `h at x = 0.5`."""
    learner = unwrapped(learner)
    kind = class_of(learner)
    if kind == "BalancingLearner":
        index, inner = point
        return f"{place_of(learner.learners[index], inner)} of learner {index}"
    if kind == "SequenceLearner":
        index, value = point
        return f"{_name(learner.function.function)} at {plain(value)} (number {index})"
    name = _name(learner.function)
    if kind == "AverageLearner":
        return f"{name} at seed = {plain(point)}"
    if kind == "AverageLearner1D":
        seed, x = point
        return f"{name} at x = {plain(x)}, seed = {plain(seed)}"
    return f"{name} at x = {plain(point)}"


def plain(value: Any) -> str:
    """Write a point; numpy 2 shows its numbers as `np.float64(0.1)`."""
    if isinstance(value, tuple):
        text = ", ".join(plain(item) for item in value)
        return f"({text},)" if len(value) == 1 else f"({text})"
    text = repr(value.item() if getattr(value, "ndim", None) == 0 else value)
    text = " ".join(text.split())
    return text if len(text) <= MAX_POINT else f"{text[: MAX_POINT - 1]}…"


def _finite(bounds: Sequence[Sequence[Any]]) -> Bounds:
    try:
        ends = [[float(low), float(high)] for low, high in bounds]
    except (TypeError, ValueError):
        return None
    return ends if all(math.isfinite(end) for pair in ends for end in pair) else None


def _name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))
