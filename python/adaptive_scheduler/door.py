"""The worker's side of the protocol: one request at a time, until it is answered."""

from __future__ import annotations

import json
import os
import socket
import stat
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import zmq

from adaptive_scheduler.job import Job

Message = dict[str, Any]

PROTOCOL = 1
MAX_ENDPOINT_BYTES = 1 << 20


#: What a refusal means for a person, by its code.
HINTS = {
    "unknown-job": "Its learner, if it had one, goes on in another job.",
    "wrong-version": "Adaptive Scheduler was updated since this job was submitted; new jobs fit.",
    "bad-message": "That is a fault of Adaptive Scheduler: please report it with this output.",
}


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    Attributes
    ----------
    attempt
        For an answer at one address, in the first round through all addresses.
    longest
        The same in a later round: each waits twice as long as the one before. Thousands of jobs
        that start at once are let in one after the other, and who gives up begins anew, so that
        at a fixed pace nobody would ever get through.
    rest
        Between two rounds through all addresses.
    start
        For a first learner, before the job ends.
    ending
        For the answer to a last message, before it goes to the outbox.
    moved
        Between two looks whether the scheduler has moved.
    """

    attempt: float = 3.0
    longest: float = 24.0
    rest: float = 1.0
    start: float = 300.0
    ending: float = 60.0
    moved: float = 30.0


class RefusedError(RuntimeError):
    """The scheduler refused a request.

    Attributes
    ----------
    code
        `bad-message`, `wrong-version` or `unknown-job`.
    """

    def __init__(self, code: str, message: str) -> None:
        hint = HINTS.get(code, "")
        super().__init__(f"The scheduler refused this job ({code}): {message} {hint}".rstrip())
        self.code = code


class Door:
    """A connection to whichever scheduler serves the run.

    Only one thread at a time may use it.

    Parameters
    ----------
    job
        The job to speak for.
    patience
        How long to wait.

    Attributes
    ----------
    instance
        Random name of this process.
    on_wish
        Called with each message that the scheduler sends unasked.
    """

    def __init__(self, job: Job, patience: Patience) -> None:
        self.patience = patience
        self.instance = uuid.uuid4().hex[:16]
        self.on_wish: Callable[[Message], None] = lambda message: None
        self._path = job.state_dir / "endpoint.json"
        self._outbox = job.state_dir / "outbox"
        self._envelope = {
            "v": PROTOCOL,
            "job": job.id,
            "restart": job.restart,
            "instance": self.instance,
            "host": socket.gethostname(),
            "pid": os.getpid(),
        }
        self._n = 0
        self._socket: zmq.Socket[bytes] | None = None
        self._at: tuple[str, str] | None = None
        self._worked = ""
        self._tried: list[str] = []
        self._seen = self._stamp()

    def ask(self, message: Message, seconds: float, interrupt: int | None = None) -> Message | None:
        """Send a request, again and again, until it is answered.

        Parameters
        ----------
        message
            `type` and what belongs to it.
        seconds
            When to give up.
        interrupt
            A file descriptor; gives up when it becomes readable.

        Returns
        -------
        The answer, or None.

        Raises
        ------
        RefusedError
            When the scheduler answers `error`.
        """
        self._n += 1
        frame = json.dumps({**message, **self._envelope, "n": self._n}, allow_nan=False).encode()
        deadline = time.monotonic() + seconds
        attempt = self.patience.attempt
        while True:
            self._seen = self._stamp()
            endpoint = read_endpoint(self._path)
            urls = self._in_order(endpoint["urls"]) if endpoint else []
            self._tried = urls
            for url in urls:
                assert endpoint is not None
                until = min(deadline, time.monotonic() + attempt)
                self._connect(url, endpoint)
                reply = self._exchange(frame, until, interrupt)
                if reply is not None:
                    return reply
                # Kept, it would deliver the same request once more when its peer comes back.
                self.close()
                if _is_readable(interrupt, 0):
                    return None
            attempt = min(2 * attempt, self.patience.longest)
            rest = min(self.patience.rest, deadline - time.monotonic())
            if rest <= 0 or _is_readable(interrupt, rest):
                return None

    def listen(self, seconds: float, interrupt: int) -> None:
        """Wait for a wish, for some time at most, or until `interrupt` is readable."""
        if self._socket is None:
            _is_readable(interrupt, seconds)
            return
        self._receive(time.monotonic() + seconds, None, interrupt)

    def has_moved(self) -> bool:
        """Whether another scheduler has taken over since the last request."""
        return self._stamp() != self._seen

    def trouble(self) -> str:
        """Why the last request had no answer."""
        if self._tried:
            return f"refused or unreachable: {', '.join(self._tried)}"
        if not self._path.parent.is_dir():
            return (
                f"{self._path.parent} is not there on {self._envelope['host']}: the run directory "
                "must be on a file system that all machines of the cluster see"
            )
        try:
            open_file(self._path).close()
        except FileNotFoundError:
            return f"no scheduler serves this run ({self._path} is absent)"
        except OSError as error:
            return f"where the scheduler is cannot be read: {error}"
        return f"{self._path} does not say where the scheduler is"

    def leave(self, message: Message) -> None:
        """Leave a message that had no answer in the run's outbox, where the scheduler finds it."""
        self._outbox.mkdir(exist_ok=True)
        path = self._outbox / f"{self.instance}-{self._n}.json"
        aside = path.with_suffix(".tmp")
        with open(aside, "w", encoding="utf-8") as file:
            json.dump({**message, **self._envelope, "n": self._n}, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync_directory(self._outbox)

    def close(self) -> None:
        """Disconnect; the next request connects again."""
        if self._socket is not None:
            self._socket.close(linger=0)
        self._socket = None

    def _in_order(self, urls: list[str]) -> list[str]:
        return sorted(urls, key=lambda url: url != self._worked)

    def _connect(self, url: str, endpoint: Message) -> None:
        where = (url, endpoint["serverKey"])
        if self._socket is not None and self._at == where:
            return
        self.close()
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.curve_serverkey = endpoint["serverKey"].encode()
        self._socket.curve_publickey = endpoint["clientPublicKey"].encode()
        self._socket.curve_secretkey = endpoint["clientSecretKey"].encode()
        self._socket.connect(url)
        self._at = where

    def _exchange(self, frame: bytes, until: float, interrupt: int | None) -> Message | None:
        assert self._socket is not None
        try:
            self._socket.send(frame, zmq.DONTWAIT)
        except zmq.Again:  # so many requests without a peer that the queue is full
            return None
        reply = self._receive(until, self._n, interrupt)
        if reply is not None and self._at is not None:
            self._worked = self._at[0]
        if reply is not None and reply.get("type") == "error":
            raise RefusedError(str(reply.get("code")), str(reply.get("message")))
        return reply

    def _receive(self, until: float, n: int | None, interrupt: int | None) -> Message | None:
        assert self._socket is not None
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        if interrupt is not None:
            poller.register(interrupt, zmq.POLLIN)
        while (left := until - time.monotonic()) > 0:
            ready = dict(poller.poll(int(left * 1000) + 1))
            if self._socket in ready:
                message = _parse(self._socket.recv())
                if message.get("type") == "wish":
                    self.on_wish(message)
                    if n is None:
                        return message
                elif n is not None and message.get("n") == n:
                    return message
            elif interrupt in ready:
                return None
        return None

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns


def read_endpoint(path: Path) -> Message | None:
    """Read where the scheduler is; None while no scheduler serves the run."""
    try:
        with open_file(path) as file:
            endpoint = json.loads(file.read(MAX_ENDPOINT_BYTES))
        keys = [endpoint[key] for key in ("serverKey", "clientPublicKey", "clientSecretKey")]
        urls = endpoint["urls"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    strings = isinstance(urls, list) and all(isinstance(item, str) for item in [*keys, *urls])
    return endpoint if strings else None


def open_file(path: Path) -> BinaryIO:
    """Open a file of the run to read it.

    Raises
    ------
    OSError
        Also for anything else that somebody has put in its place: a pipe would be read for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no file")
    return os.fdopen(descriptor, "rb")


def sync_directory(path: Path) -> None:
    """Make renames in a directory durable, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems refuse; their renames are synchronous
        pass
    finally:
        os.close(descriptor)


def _parse(frame: bytes) -> Message:
    try:
        message = json.loads(frame)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _is_readable(descriptor: int | None, seconds: float) -> bool:
    if descriptor is None:
        time.sleep(max(0.0, seconds))
        return False
    poller = zmq.Poller()  # not select: a job with many ranks has descriptors above its limit
    poller.register(descriptor, zmq.POLLIN)
    return bool(poller.poll(int(max(0.0, seconds) * 1000)))
