"""The thread that speaks with the scheduler while a learner runs."""

from __future__ import annotations

import os
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from adaptive_scheduler.door import Door, Message, RefusedError
from adaptive_scheduler.job import log


class Reported(Protocol):
    """What a reporter reports on; all of it is called from the reporter's thread."""

    def report(self, again: bool) -> Message | None:
        """Give the report that is due; with `again` also one that was sent before."""

    def wished(self, wish: Message) -> None:
        """Take the scheduler's wish."""

    def fenced(self, why: str) -> None:
        """Learn that the learner is not ours any more."""

    def report_every(self) -> float:
        """Least time between two reports, in seconds."""


@dataclass(frozen=True)
class _Post:
    message: Message
    is_last: bool
    seconds: float
    answer: Future[Message | None] = field(default_factory=Future)


class Reporter(threading.Thread):
    """Sends reports, hears wishes and carries the other messages of a learner.

    It owns the door as long as it runs, and raises nothing into the script: without a scheduler,
    reports are late, nothing else.

    Parameters
    ----------
    door
        The connection to the scheduler.
    learner
        Number of the learner.
    reported
        What to report on.
    """

    def __init__(self, door: Door, learner: int, reported: Reported) -> None:
        super().__init__(name="adaptive-scheduler reporter", daemon=True)
        self._door = door
        self._learner = learner
        self._reported = reported
        self._posts: queue.SimpleQueue[_Post | None]
        self._posts = queue.SimpleQueue()
        self._woken, self._wake = os.pipe()
        self._quiet = False
        door.on_wish = self._on_wish

    def tell(self, message: Message, seconds: float | None = None) -> Message | None:
        """Send a last message from another thread.

        Parameters
        ----------
        message
            `done`, `failed` or `released`, with what belongs to it.
        seconds
            When to give up waiting for the answer; by default what the door's patience says.

        Returns
        -------
        The answer; None when it was left in the outbox instead.

        Raises
        ------
        RefusedError
            When the scheduler refuses it.
        """
        patience = self._door.patience.ending
        post = _Post(message, True, patience if seconds is None else min(seconds, patience))
        self._put(post)
        return post.answer.result()

    def mention(self, message: Message) -> None:
        """Send a message from another thread that more will follow on, without waiting."""
        self._put(_Post(message, False, self._door.patience.ending))

    def stop(self) -> None:
        """End the thread and give the door back."""
        self._put(None)
        self.join()
        os.close(self._woken)
        os.close(self._wake)

    def run(self) -> None:
        """Report until `stop`."""
        checked = time.monotonic()
        moved = False
        while True:
            if not self._posts.empty():
                os.read(self._woken, 1)
                post = self._posts.get()
                if post is None:
                    return
                self._post(post)
                continue
            try:
                report = None if self._quiet else self._reported.report(again=moved)
                if report is not None:
                    self._send(report)
                moved = False
                self._door.listen(self._reported.report_every(), self._woken)
                if time.monotonic() - checked > self._door.patience.moved:
                    # A scheduler that has taken over cannot reach us before it has heard from us.
                    checked, moved = time.monotonic(), self._door.has_moved()
            except Exception as error:
                self._quiet = True
                self._door.close()
                log(f"no more reports: {type(error).__name__}: {error}")

    def _send(self, report: Message) -> None:
        try:
            reply = self._door.ask(report, self._door.patience.ending, self._woken)
        except RefusedError as error:
            if error.code == "bad-message":
                raise
            self._reported.fenced(str(error))
            self._quiet = True
            return
        self._take(reply)

    def _put(self, post: _Post | None) -> None:
        self._posts.put(post)
        os.write(self._wake, b"!")

    def _post(self, post: _Post) -> None:
        # A report behind the last word on this learner would be refused.
        self._quiet = self._quiet or post.is_last
        try:
            interrupt = None if post.is_last else self._woken
            reply = self._door.ask(post.message, post.seconds, interrupt)
            if reply is None:
                log(f"left {post.message['type']!r} in the outbox: {self._door.trouble()}")
                self._door.leave(post.message)
            post.answer.set_result(reply)
        except Exception as error:
            post.answer.set_exception(error)

    def _take(self, reply: Message | None) -> None:
        if reply is None:
            return
        if reply.get("type") == "fenced":
            self._quiet = True
            self._reported.fenced(str(reply.get("why")))
        elif isinstance(reply.get("wish"), dict):
            self._reported.wished(reply["wish"])

    def _on_wish(self, message: Message) -> None:
        wish = message.get("wish")
        if message.get("learner") == self._learner and isinstance(wish, dict):
            self._reported.wished(wish)
