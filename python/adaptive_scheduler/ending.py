"""What ends a job before its time: SIGTERM, and an error that a script did not expect."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Protocol

from adaptive_scheduler import pool
from adaptive_scheduler.job import TERMINATED, log


class Endable(Protocol):
    """A learner that runs."""

    def terminate(self) -> None:
        """Save, tell the scheduler, and end the process, as soon as that is possible."""

    def crash(self, error: BaseException) -> None:
        """Save, and tell the scheduler that it failed."""


class Ending:
    """Handler of SIGTERM: saves the learners that run, if any, and ends the job.

    Attributes
    ----------
    running
        Gives the learners that run at the moment.
    is_wanted
        Whether SIGTERM came.
    """

    def __init__(self, running: Callable[[], Sequence[Endable]]) -> None:
        self.running = running
        self.is_wanted = False

    def watch_signal(self) -> None:
        """Handle SIGTERM, unless somebody else does, or cannot be asked from this thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_signal)

    def watch_errors(self) -> None:
        """Tell the scheduler of an error that ends this process."""
        hook = sys.excepthook

        def tell(
            kind: type[BaseException], error: BaseException, traceback: TracebackType | None
        ) -> None:
            hook(kind, error, traceback)
            for learner in self.running():
                learner.crash(error)

        sys.excepthook = tell

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.is_wanted = True
        running = self.running()
        for learner in running:
            learner.terminate()
        if not running:
            log("terminated")
            pool.end_process(TERMINATED)
