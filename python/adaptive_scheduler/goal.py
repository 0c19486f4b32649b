"""The goal of a run, as a goal of adaptive."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import adaptive.runner

from adaptive_scheduler.door import Message

Goal = Callable[[Any], bool]


def run_goal(goal: Message | None, learner: Any) -> Goal:
    """Give the goal of the run: met when any of `npoints`, `loss` and `seconds` is.

    Parameters
    ----------
    goal
        As the scheduler sends it; `seconds` count from now.
    learner
        Decides what is counted; the children of a BalancingLearner each.
    """
    goal = goal or {}
    started = time.monotonic()
    goals: list[Goal] = [
        adaptive.runner.auto_goal(**{name: goal[name]}, learner=learner)
        for name in ("npoints", "loss")
        if goal.get(name) is not None
    ]
    if goal.get("seconds") is not None:
        goals.append(lambda _: time.monotonic() - started >= goal["seconds"])
    return lambda learner: any(is_met(learner) for is_met in goals)
