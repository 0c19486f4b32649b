"""What is reported of a learner: taken in the runner's thread, sent from the reporter's."""

from __future__ import annotations

import math
import time
from typing import Any

from adaptive_scheduler import preview
from adaptive_scheduler.counts import plural
from adaptive_scheduler.door import Message
from adaptive_scheduler.job import log


class Progress:
    """The state of a learner, as often as it is asked for.

    Parameters
    ----------
    learner, fname
        As in the learners file.
    npoints, loss
        What the scheduler knows of it, until it is loaded.

    Attributes
    ----------
    latest
        `npoints`, `loss`, once it is loaded `saved`, and `preview` when that was wished.
    """

    def __init__(self, learner: Any, fname: Any, npoints: int, loss: float | None) -> None:
        self.latest: Message = {"npoints": npoints, "loss": loss}
        self._saved: list[int] = []
        self._learner = learner
        self._fname = fname
        self._sent: Message | None = None
        self._next = 0.0
        self._is_drawn = True

    def sample(self, every: float, draw: bool) -> None:
        """Take the learner's state when it is due.

        Only in the runner's thread: `loss()` changes the learner.

        Parameters
        ----------
        every
            Least time between two samples, in seconds; 0 takes one now.
        draw
            Whether to add a preview.
        """
        started = time.monotonic()
        if every and started < self._next:
            return
        self.latest = {"npoints": self.npoints(), "loss": self._loss()}
        if self._saved:
            self.latest["saved"] = sum(self._saved)
        if draw and self._is_drawn:
            self.latest.update(self._preview())
        # The loss of some learners takes long; this keeps it below a twentieth of the time.
        self._next = started + max(every, 20 * (time.monotonic() - started))

    def hurry(self, every: float) -> None:
        """Let the next sample be due in `every` seconds at the latest."""
        self._next = min(self._next, time.monotonic() + every)

    def loaded(self, npoints: list[int]) -> None:
        """Learn how many points each of its data files has to begin with."""
        if not self._saved:
            self._saved = npoints

    def saved(self, number: int, npoints: int) -> None:
        """Learn that a data file was written, with so many points; the next sample says so."""
        if self._saved:
            self._saved[number] = npoints
            self.hurry(0.0)

    def is_unsaved(self) -> bool:
        """Whether there are points that are in no file."""
        return self.npoints() > sum(self._saved)

    def unsent(self, again: bool) -> Message | None:
        """Give the latest sample when it is new, or wanted again."""
        sampled = self.latest
        if sampled == self._sent and not again:
            return None
        self._sent = sampled
        return sampled

    def npoints(self) -> int:
        """Give how many points the learner has now."""
        return int(self._learner.npoints)

    def __str__(self) -> str:
        text, loss = plural(self.latest["npoints"], "point"), self.latest["loss"]
        return text if loss is None else f"{text}, loss {loss:.1e}"

    def _loss(self) -> float | None:
        try:
            loss = float(self._learner.loss())
        except Exception:  # some have none before their first points
            return None
        return loss if math.isfinite(loss) else None

    def _preview(self) -> Message:
        try:
            drawn = preview.of_learner(self._learner, self._fname)
        except Exception as error:  # whatever a function returned, it must not end its learner
            self._is_drawn = False
            log(f"{self._fname}: not drawn: {type(error).__name__}: {error}")
            return {}
        return {"preview": drawn} if drawn else {}
