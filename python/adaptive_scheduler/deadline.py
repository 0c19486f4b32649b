"""When a job has to end, as its walltime says."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

#: Seconds that saving and saying so take, at least.
MARGIN = 30.0
#: Seconds that a further learner is worth, at least.
WORTHWHILE = 300.0


@dataclass(frozen=True)
class Deadline:
    """The end of a job's walltime.

    Attributes
    ----------
    at
        In seconds since the epoch.
    walltime
        In seconds; what is taken off at its end is a share of it at most.
    """

    at: float
    walltime: float

    def last_call(self, save_seconds: float) -> float:
        """When to begin the last save, in seconds since the epoch.

        Parameters
        ----------
        save_seconds
            What the newest save took.
        """
        return self.at - min(max(MARGIN, 2 * save_seconds), self.walltime / 10)

    def leaves_time(self, first_saves: Sequence[float]) -> bool:
        """Whether a further learner would get somewhere.

        Parameters
        ----------
        first_saves
            Seconds from the start of earlier learners to their first save with a new point.
        """
        needed = max(WORTHWHILE, 3 * statistics.median(first_saves or [0.0]))
        return self.left() >= min(needed, self.walltime / 4)

    def left(self) -> float:
        """Seconds until then."""
        return self.at - time.time()
