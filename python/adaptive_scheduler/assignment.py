"""A learner that the scheduler gave to this job, from `start` to `done`."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable
from typing import Any, NoReturn

import adaptive.runner

from adaptive_scheduler import pool, preview
from adaptive_scheduler.door import Door, Message
from adaptive_scheduler.goal import run_goal
from adaptive_scheduler.job import NOTHING_LEFT, TERMINATED, Job, log
from adaptive_scheduler.reporter import Reporter
from adaptive_scheduler.saving import Guard

Fname = Any  # str, or for a BalancingLearner a list of them

#: Below 64 KiB of UTF-8, whatever the characters.
MAX_TRACEBACK = 16_000
MAX_ERROR = 1000


class Assignment:
    """The learner, with its guard, its reporter and what ends it.

    Attributes
    ----------
    learner, fname
        As in the learners file.
    number
        The scheduler's number of the learner.
    retries, save_every
        How often a point is evaluated again, and seconds between two saves.
    has_goal
        Whether the run has a goal, so that the script's own is not needed.
    reached
        Whether a goal was met, not only a wish to stop.
    """

    def __init__(self, job: Job, door: Door, reply: Message, learner: Any, fname: Fname) -> None:
        self.learner = learner
        self.fname = fname
        self.number: int = reply["learner"]
        self.retries: int = reply["retries"]
        self.save_every: float = reply["saveEverySeconds"]
        self.has_goal = reply["goal"] is not None
        self.reached = False
        self._epoch: int = reply["epoch"]
        self._wish: Message = reply["wish"]
        self._runner: Any = None
        self._progress: Message = {"npoints": 0, "loss": None}
        self._reported: Message | None = None
        self._next_sample = 0.0
        self._ending = False
        self._is_terminated = False
        self._run_goal = run_goal(reply["goal"], learner)
        self.guard = Guard(
            job.state_dir / "epochs", self.number, self._epoch, door.instance,
            [fname] if isinstance(fname, str) else fname, self._on_fenced,
        )  # fmt: skip
        self.guard.__enter__()
        _assigned[id(learner)] = self
        _install_hook()
        self._reporter = Reporter(door, self.number, self)
        self._reporter.start()

    # What the runner asks, in its thread.

    def join(self, runner: Any) -> None:
        """Compose the goal of a new runner of this learner with the run's goal and the wishes."""
        own = runner.goal
        self._runner = runner

        def goal(learner: Any) -> bool:
            self.sample()
            self.reached = own(learner) or self._run_goal(learner)
            if self.reached or self.guard.fenced:
                return True
            if self._is_terminated:
                self.end_now("terminated")
            if self._wish["stop"] == "now":
                self.end_now("stopped")
            if self._wish["stop"] == "gently":
                # True would drop what still runs; 1 lets the runner submit nothing while it waits.
                runner._max_tasks = 1
                return not runner.pending_points
            return False

        runner.goal = goal
        self.sample()

    def sample(self, now: bool = False) -> None:
        """Take the learner's state for the next report, when one is due or `now`.

        Only in the runner's thread: `loss()` changes the learner.
        """
        if not now and time.monotonic() < self._next_sample:
            return
        try:
            loss = float(self.learner.loss())
            sampled: Message = {
                "npoints": int(self.learner.npoints),
                "loss": loss if math.isfinite(loss) else None,
            }
            if self._wish["preview"]:
                drawn = preview.of_learner(self.learner)
                sampled.update({"preview": drawn} if drawn else {})
            self._progress = sampled
        except Exception as error:  # a learner of another kind must run all the same
            log(f"learner {self.number}: no progress to report: {type(error).__name__}: {error}")
            self._next_sample = math.inf
        else:
            self._next_sample = time.monotonic() + self.report_every()

    def end_now(self, why: str) -> NoReturn:
        """Save what is finished, tell the scheduler, and end the process at once.

        Parameters
        ----------
        why
            `stopped` or `terminated`.
        """
        self._ending = True
        try:
            self.learner.remove_unfinished()
            trouble = self.save()
            if self.guard.fenced:
                self._leave_fenced()
            if trouble:
                self._tell({"type": "failed", "error": trouble, "traceback": ""})
            else:
                self._tell({"type": "released", "why": why})
            log(f"learner {self.number} {self}: {self.points()}, {trouble or why}")
        except Exception as error:
            log(f"learner {self.number} {self}: {why}, but {type(error).__name__}: {error}")
        self._leave(TERMINATED if why == "terminated" else 0)

    def terminate(self) -> None:
        """End as after SIGTERM, as soon as the learner is not in the middle of something."""
        self._is_terminated = True
        self._in_loop(lambda: None if self._is_over() else self.end_now("terminated"))

    # What ends it in order, in the main thread.

    def save(self) -> str | None:
        """Save the learner; returns why it could not be saved, or None."""
        self.guard.written.clear()
        try:
            self.learner.save(self.fname, compress=self.guard.compress)
            trouble = self.guard.trouble()
        except Exception as error:
            trouble = f"{type(error).__name__}: {error}"
        return f"could not save: {trouble}"[:MAX_ERROR] if trouble else None

    def finish(self) -> None:
        """Save, and say `done`, or `released` when the learner was stopped.

        Raises
        ------
        OSError
            When the data could not be saved.
        SystemExit
            With 75, when the learner has been given to another job.
        """
        trouble = self.save()
        self._raise_if_fenced()
        if trouble:
            self.fail(trouble, "", save=False)
            raise OSError(trouble)
        stopped = self._wish["stop"] is not None and not self.reached
        reply = self._tell({"type": "released", "why": "stopped"} if stopped else {"type": "done"})
        log(f"learner {self.number} {self}: {self.points()}, {'stopped' if stopped else 'done'}")
        self.close()
        if reply and reply["type"] == "fenced":
            log(f"learner {self.number} {self}: not ours any more: {reply.get('why')}")
            raise SystemExit(NOTHING_LEFT)

    def fail(self, error: str, traceback: str, save: bool = True) -> None:
        """Save what is there, and say `failed`."""
        trouble = self.save() if save else None
        self._raise_if_fenced()
        if trouble:
            error = f"{error}; {trouble}"
        log(f"learner {self.number} {self}: {self.points()}, failed: {error}")
        self._tell(
            {"type": "failed", "error": error[:MAX_ERROR], "traceback": traceback[-MAX_TRACEBACK:]}
        )
        self.close()

    def close(self) -> None:
        """Forget the learner: no reports, no guard."""
        self._reporter.stop()
        self.guard.__exit__()
        _assigned.pop(id(self.learner), None)

    def points(self) -> str:
        """Progress for the log."""
        loss = self._progress["loss"]
        text = f"{self._progress['npoints']} points"
        return text if loss is None else f"{text}, loss {loss:.1e}"

    def __str__(self) -> str:
        return self.fname if isinstance(self.fname, str) else f"{self.fname[0]} …"

    # What the reporter asks, in its thread.

    def report(self, again: bool) -> Message | None:
        """Give the latest sample, when it is new or wanted again."""
        self._in_loop(self.sample)
        sampled = self._progress
        if sampled == self._reported and not again:
            return None
        self._reported = sampled
        return {"type": "report", "learner": self.number, "epoch": self._epoch, **sampled}

    def report_every(self) -> float:
        """Least time between two reports, in seconds."""
        return max(0.05, float(self._wish["reportEverySeconds"]))

    def wished(self, wish: Message) -> None:
        """Take the scheduler's wish; `stop` at once when the runner's loop can be reached."""
        self._next_sample = min(self._next_sample, time.monotonic() + self.report_every())
        if wish["preview"] and not self._wish["preview"]:
            self._next_sample = 0.0
        self._wish = wish
        if wish["stop"] == "now":
            self._in_loop(lambda: None if self._is_over() else self.end_now("stopped"))

    def fenced(self, why: str) -> None:
        """Learn that the learner is not ours any more."""
        self.guard.fence(why)

    def _on_fenced(self, why: str) -> None:
        log(f"learner {self.number} {self}: not ours any more, nothing is saved: {why}")
        self._in_loop(lambda: None if self._is_over() else self._leave_fenced())

    def _is_over(self) -> bool:
        """Whether the runner has ended by itself, or is being ended."""
        return self._ending or self._runner.task.done()

    def _leave_fenced(self) -> NoReturn:
        self._leave(NOTHING_LEFT)

    def _leave(self, code: int) -> NoReturn:
        pool.end_process(code, getattr(self._runner, "executor", None))

    def _raise_if_fenced(self) -> None:
        if self.guard.fenced:
            self.close()
            raise SystemExit(NOTHING_LEFT)

    def _in_loop(self, callback: Callable[[], object]) -> None:
        """Call something in the loop of an AsyncRunner; others only look when a point is done."""
        loop = getattr(self._runner, "ioloop", None)
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(callback)

    def _tell(self, message: Message) -> Message | None:
        self.sample(now=True)
        progress = dict(self._progress)
        if message["type"] != "done":
            progress.pop("preview", None)
        return self._reporter.tell(
            {**message, "learner": self.number, "epoch": self._epoch, **progress}
        )


_assigned: dict[int, Assignment] = {}


@functools.cache
def _install_hook() -> None:
    """Let the runners of assigned learners, and only those, obey the run.

    This is the one place where a script's runner is touched: adaptive has no other way to change
    the goal of a runner that somebody else makes.
    """
    original = adaptive.runner.BaseRunner.__init__

    @functools.wraps(original)
    def init(self: Any, learner: Any, *args: Any, **kwargs: Any) -> None:
        original(self, learner, *args, **kwargs)
        assignment = _assigned.get(id(learner))
        if assignment is not None and assignment.learner is learner:
            assignment.join(self)

    adaptive.runner.BaseRunner.__init__ = init
