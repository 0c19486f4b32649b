"""When a learner is saved while it runs."""

from __future__ import annotations

#: A machine may be lost at any time: the first save comes after so many seconds, each further one
#: after twice as long, until as much time passes as the run wants.
FIRST = 60.0
#: Of a learner whose saves take long, at most one part in so many of the time.
SHARE = 20.0


class Pace:
    """The time of the next save.

    Parameters
    ----------
    every
        Most seconds between two saves.
    now
        When the learner was begun; here and below, by one clock that nobody sets.
    """

    def __init__(self, every: float, now: float) -> None:
        self._every = every
        self._gap = min(FIRST, every)
        self._next = now + self._gap

    def anew(self, now: float) -> Pace:
        """Begin again: for another runner, or when it has been loaded."""
        return Pace(self._every, now)

    def is_due(self, now: float) -> bool:
        """Whether it is time."""
        return now >= self._next

    def wait(self, now: float) -> float:
        """Seconds until it is time to look; when it is time and nothing new was there, a while."""
        return self._next - now if now < self._next else self._gap

    def tried(self, now: float, seconds: float) -> None:
        """Learn that it was saved, whoever did it, or could not be; it took so many seconds."""
        if self.is_due(now):
            self._gap = min(2 * self._gap, self._every)
        self._gap = min(max(self._gap, SHARE * seconds), self._every)
        self._next = now + self._gap
