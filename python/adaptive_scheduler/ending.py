"""What ends a job before its time: a signal, and an error that a script did not expect."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Protocol

from adaptive_scheduler import pool
from adaptive_scheduler.job import EXIT_CODES, log

#: Why a job ends, by the signal that says so; queues warn with SIGUSR1 if asked to.
REASONS = {signal.SIGTERM: "terminated", signal.SIGUSR1: "deadline"}


class Endable(Protocol):
    """A learner that runs."""

    def end_soon(self, why: str) -> None:
        """Save, tell the scheduler why, and end the process, as soon as that is possible."""

    def crash(self, error: BaseException) -> None:
        """Save, and tell the scheduler that it failed."""


class Ending:
    """Handler of SIGTERM and SIGUSR1: saves the learners that run, if any, and ends the job.

    Attributes
    ----------
    running
        Gives the learners that run at the moment.
    why
        What the first of these signals means, when one came: `terminated` or `deadline`.
    """

    def __init__(self, running: Callable[[], Sequence[Endable]]) -> None:
        self.running = running
        self.why: str | None = None

    def watch_signals(self) -> None:
        """Handle those signals that nobody else does, if that is possible from this thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in REASONS:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._on_signal)

    def obey(self) -> None:
        """End the process if such a signal came."""
        if self.why:
            pool.end_process(EXIT_CODES[self.why])

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
        self.why = self.why or REASONS[signal.Signals(number)]
        running = self.running()
        for learner in running:
            learner.end_soon(self.why)
        if not running:
            log(self.why)
            self.obey()
