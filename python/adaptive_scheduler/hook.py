"""Lets the runners of assigned learners, and only those, obey the run.

This is the one place where a script's runner is touched: adaptive has no other way to change the
goal of a runner that somebody else makes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import adaptive.runner

_joining: dict[int, tuple[Any, Callable[[Any], None]]] = {}


def on_runner(learner: Any, join: Callable[[Any], None]) -> None:
    """Call `join` with each new runner of a learner, before the runner asks for its goal."""
    _install()
    _joining[id(learner)] = (learner, join)


def forget(learner: Any) -> None:
    """Leave the runners of a learner alone again."""
    _joining.pop(id(learner), None)


@functools.cache
def _install() -> None:
    original = adaptive.runner.BaseRunner.__init__

    @functools.wraps(original)
    def init(self: Any, learner: Any, *args: Any, **kwargs: Any) -> None:
        original(self, learner, *args, **kwargs)
        known, join = _joining.get(id(learner), (None, None))
        if join is not None and known is learner:
            join(self)

    adaptive.runner.BaseRunner.__init__ = init
