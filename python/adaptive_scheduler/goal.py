"""The goals of a learner: the run's, the learners file's, and the end of what can be evaluated."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import adaptive.runner

from adaptive_scheduler.door import Message
from adaptive_scheduler.kinds import class_of, unwrapped

Goal = Callable[[Any], bool]

MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(?:Z|([+-])(\d\d):?(\d\d)?)", re.IGNORECASE
)


class GoalError(Exception):
    """The goal function of the learners file raised; its cause says what."""


def run_goal(goal: Message | None, learner: Any) -> Goal:
    """Give the goal of the run: met when any of its entries is.

    Parameters
    ----------
    goal
        As the scheduler sends it: `npoints`, `loss`, `seconds` (from now), `endTime` (ISO 8601).
    learner
        Decides what is counted; the children of a BalancingLearner each.
    """
    goal = goal or {}
    goals: list[Goal] = [
        adaptive.runner.auto_goal(**{name: goal[name]}, learner=learner)
        for name in ("npoints", "loss")
        if goal.get(name) is not None
    ]
    ends = []
    if goal.get("seconds") is not None:
        ends.append(time.time() + goal["seconds"])
    if goal.get("endTime") is not None:
        ends.append(moment(goal["endTime"]))
    if ends:
        goals.append(lambda _: time.time() >= min(ends))
    return lambda learner: any(is_met(learner) for is_met in goals)


def is_exhausted(learner: Any) -> bool:
    """Whether nothing is left to evaluate: a sequence at its end, an integral within its tolerance.

    A runner that asked such a learner for more would fail.
    """
    learner = unwrapped(learner)
    kind = class_of(learner)
    if kind == "BalancingLearner":
        return all(is_exhausted(child) for child in learner.learners)
    return kind in ("SequenceLearner", "IntegratorLearner") and bool(learner.done())


def of_file(goal: Goal) -> Goal:
    """Give the goal function of a learners file such that its errors tell where they come from."""

    def checked(learner: Any) -> bool:
        try:
            verdict = goal(learner)
            if verdict is None:
                raise TypeError("goal returned None: let it return whether the learner is done")
            return bool(verdict)
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            raise GoalError("the goal of the learners file raised") from error

    return checked


def moment(text: str) -> float:
    """Give a moment of ISO 8601 in seconds since the epoch.

    Python before 3.11 parses neither `Z` nor any number of digits in a fraction.
    """
    match = MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a moment such as 2027-01-31T18:00:00Z.")
    day, clock, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    zone = timezone(-offset if sign == "-" else offset)
    whole = datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    return whole.timestamp() + float(fraction or 0)
