"""A learner that the scheduler gave to this job, from `start` to `done`."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

from adaptive_scheduler import failure, hook, pool
from adaptive_scheduler.dataframes import frame_of, frame_path
from adaptive_scheduler.door import Door, Message
from adaptive_scheduler.goal import Goal, is_exhausted, run_goal
from adaptive_scheduler.job import EXIT_CODES, NOTHING_LEFT, Job, log
from adaptive_scheduler.kinds import parts_of
from adaptive_scheduler.pace import Pace
from adaptive_scheduler.progress import Progress
from adaptive_scheduler.reporter import Reporter
from adaptive_scheduler.saving import Guard

Fname = Any  # str, or for a BalancingLearner a list of them

#: Below 64 KiB of UTF-8, whatever the characters.
MAX_TRACEBACK = 16_000
MAX_ERROR = 1000

#: How long the last words wait for an answer when somebody is about to kill this process, in s.
HURRIED = 10.0


class Assignment:
    """The learner, with its guard, its reporter and what ends it.

    Attributes
    ----------
    learner, fname
        As in the learners file.
    number
        The scheduler's number of the learner.
    retries
        How often a point is evaluated again.
    has_goal
        Whether the run has a goal, so that the script's own is not needed.
    first_save
        Seconds from the start to the first save with a new point, or None.
    """

    def __init__(self, job: Job, door: Door, reply: Message, learner: Any, fname: Fname) -> None:
        self.learner = learner
        self.fname = fname
        self.number: int = reply["learner"]
        self.retries: int = reply["retries"]
        self.has_goal = reply["goal"] is not None
        self.first_save: float | None = None
        self._dataframe: str | None = reply.get("dataframe")
        self._epoch: int = reply["epoch"]
        self._wish: Message = reply["wish"]
        self._deadline = job.deadline
        self._alarm: threading.Timer | None = None
        self._runner: Any = None
        self._progress = Progress(learner, fname, reply.get("npoints", 0), reply.get("loss"))
        self._started = time.monotonic()
        self._points_before: int | None = None
        self._pace = Pace(reply["saveEverySeconds"], self._started)
        self._save_timer: asyncio.TimerHandle | None = None
        self._told_trouble = False
        self._reached = False
        self._ending = False
        self._end_wanted: str | None = None
        self._remarked = False
        self._run_goal = run_goal(reply["goal"], learner)
        self.guard = Guard(
            job.state_dir / "epochs", self.number, self._epoch, door.instance,
            [fname] if isinstance(fname, str) else fname, self._on_fenced, self._on_saved,
        )  # fmt: skip
        self.guard.__enter__()
        failure.refuse_what_is_lost()
        hook.on_runner(learner, self.join)
        self._reporter = Reporter(door, self.number, self)
        self._reporter.start()
        self._set_alarm()
        for remark in self.guard.keep_unreadable_aside():
            self._remark(remark)

    # What the runner asks, in its thread.

    def join(self, runner: Any) -> None:
        """Compose the goal of a new runner of this learner with the run's goal and the wishes."""
        own = runner.goal
        self._runner = runner
        self._points_before = self._progress.npoints()
        self._progress.loaded([int(part.npoints) for part in parts_of(self.learner)])
        self._pace = self._pace.anew(time.monotonic())

        def goal(learner: Any) -> bool:
            self._keep_saving()
            self._sample()
            if self.is_reached(own) or self.guard.fenced:
                return True
            if self._end_wanted:
                self.end_now(self._end_wanted)
            if self._wish["stop"] == "now":
                self.end_now("stopped")
            if self._wish["stop"] == "gently":
                # True would drop what still runs; 1 lets the runner submit nothing while it waits.
                runner._max_tasks = 1
                return not runner.pending_points
            return False

        runner.goal = goal
        self._sample()

    def is_reached(self, own: Goal | None) -> bool:
        """Whether a goal is met: the script's `own`, the run's, or nothing is left to evaluate."""
        self._reached = (
            bool(own and own(self.learner))
            or self._run_goal(self.learner)
            or is_exhausted(self.learner)
        )
        return self._reached

    def end_now(self, why: str, save: bool = True) -> NoReturn:
        """Save what is finished, tell the scheduler, and end the process at once.

        Parameters
        ----------
        why
            `stopped`, `terminated` or `deadline`.
        save
            Whether there is anything to save: not before the learner is loaded.
        """
        self._ending = True
        try:
            if save:
                self.learner.remove_unfinished()
            trouble = self.save() if save else None
            if self.guard.fenced:
                self._leave(NOTHING_LEFT)
            last = {"type": "released", "why": why}
            if trouble:
                last = {"type": "failed", "error": trouble, "traceback": ""}
            self._tell(last, None if why == "stopped" else HURRIED)
            log(f"learner {self.number} {self}: {self._progress}, {trouble or why}")
        except Exception as error:
            log(f"learner {self.number} {self}: {why}, but {type(error).__name__}: {error}")
        self._leave(EXIT_CODES[why])

    def end_soon(self, why: str) -> None:
        """Do the same as soon as the learner is not in the middle of something."""
        if self._ending:
            return
        self._end_wanted = why
        if self._runner is None:
            self.end_now(why, save=False)
        self._in_loop(lambda: None if self._is_over() else self.end_now(why))

    # What ends it in order, in the main thread.

    def save(self) -> str | None:
        """Save the learner; returns why it could not be saved, or None."""
        self.guard.begin()
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
        self._ending = True
        trouble = self.save()
        self._raise_if_fenced()
        if not trouble and (fault := self.guard.check()):
            trouble = f"could not save: {fault}"[:MAX_ERROR]
        if trouble:
            self.fail(trouble, "", save=False)
            raise OSError(trouble)
        stopped = self._wish["stop"] is not None and not self._reached
        reply = self._tell({"type": "released", "why": "stopped"} if stopped else {"type": "done"})
        log(f"learner {self.number} {self}: {self._progress}, {'stopped' if stopped else 'done'}")
        self.close()
        if reply and reply["type"] == "fenced":
            log(f"learner {self.number} {self}: not ours any more: {reply.get('why')}")
            raise SystemExit(NOTHING_LEFT)

    def fail(self, error: str, traceback: str, save: bool = True) -> None:
        """Save what is there, and say `failed`."""
        self._ending = True
        trouble = self.save() if save else None
        self._raise_if_fenced()
        if trouble:
            error = f"{error}; {trouble}"
        log(f"learner {self.number} {self}: {self._progress}, failed: {error}")
        self._tell(
            {"type": "failed", "error": error[:MAX_ERROR], "traceback": traceback[-MAX_TRACEBACK:]}
        )
        self.close()

    def crash(self, error: BaseException) -> None:
        """Say `failed` because of an error that ends this process."""
        # What was not loaded must not be overwritten by an empty learner.
        self.fail(*failure.describe(error, self._runner), save=self._runner is not None)

    def close(self) -> None:
        """Forget the learner: no reports, no guard."""
        if self._alarm:
            self._alarm.cancel()
        if self._save_timer:
            self._save_timer.cancel()
        self._reporter.stop()
        self.guard.__exit__()
        hook.forget(self.learner)

    def __str__(self) -> str:
        return self.fname if isinstance(self.fname, str) else f"{self.fname[0]} …"

    # What the reporter asks, in its thread.

    def report(self, again: bool) -> Message | None:
        """Give the latest sample, when it is new or wanted again."""
        self._in_loop(self._sample)
        sampled = self._progress.unsent(again)
        return sampled and {
            "type": "report",
            "learner": self.number,
            "epoch": self._epoch,
            **sampled,
        }

    def report_every(self) -> float:
        """Least time between two reports, in seconds."""
        return max(0.05, float(self._wish["reportEverySeconds"]))

    def wished(self, wish: Message) -> None:
        """Take the scheduler's wish; `stop` at once when the runner's loop can be reached."""
        is_looked_at = wish["preview"] and not self._wish["preview"]
        self._progress.hurry(0.0 if is_looked_at else self.report_every())
        self._wish = wish
        if wish["stop"] == "now":
            self._in_loop(lambda: None if self._is_over() else self.end_now("stopped"))

    def fenced(self, why: str) -> None:
        """Learn that the learner is not ours any more."""
        self.guard.fence(why)

    def _on_fenced(self, why: str) -> None:
        log(f"learner {self.number} {self}: not ours any more, nothing is saved: {why}")
        self._in_loop(lambda: None if self._is_over() else self._leave(NOTHING_LEFT))

    # Saving now and then, in the runner's thread.

    def _keep_saving(self) -> None:
        """Save when it is time: looked at when points are done, and by a runner's loop."""
        started = time.monotonic()
        if self._pace.is_due(started) and self._progress.is_unsaved() and not self._ending:
            trouble = self.save()
            now = time.monotonic()
            self._pace.tried(now, now - started)
            if trouble and not self.guard.fenced and not self._told_trouble:
                self._told_trouble = True
                self._remark(f"for a while it {trouble}")
        loop = getattr(self._runner, "ioloop", None)
        if loop is not None and self._save_timer is None:
            self._save_timer = loop.call_later(self._pace.wait(time.monotonic()), self._on_time)

    def _on_time(self) -> None:
        self._save_timer = None
        if not self._is_over():
            self._keep_saving()

    # What the guard tells, in the thread that saves.

    def _on_saved(self, number: int) -> None:
        self._progress.saved(number, int(parts_of(self.learner)[number].npoints))
        self._pace.tried(time.monotonic(), self.guard.seconds())
        if self.first_save is None and self._progress.npoints() > (self._points_before or 0):
            self.first_save = time.monotonic() - self._started
        self._set_alarm()
        if self._dataframe is None:
            return
        path = frame_path(self.guard.paths[number], self._dataframe)
        try:
            self.guard.write(path, frame_of(parts_of(self.learner)[number], self._dataframe))
        except Exception as error:
            if not self._remarked:
                self._remarked = True
                words = " ".join(f"{type(error).__name__}: {error}".split())
                older = (
                    "; the one that is there is of an earlier save" if os.path.exists(path) else ""
                )
                self._remark(f"no data frame {path}, but the data is saved: {words}{older}")

    # The walltime's end, in a thread of its own.

    def _set_alarm(self) -> None:
        """Be woken when it is time for the last save, which depends on how long saving takes."""
        if self._deadline is None:
            return
        if self._alarm:
            self._alarm.cancel()
        wait = self._deadline.last_call(self.guard.seconds()) - time.time()
        self._alarm = threading.Timer(max(0.0, wait), self.end_soon, ["deadline"])
        self._alarm.daemon = True
        self._alarm.start()

    def _is_over(self) -> bool:
        """Whether the runner has ended by itself, or is being ended."""
        return self._ending or self._runner.task.done()

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

    def _sample(self) -> None:
        self._progress.sample(self.report_every(), self._wish["preview"])

    def _remark(self, text: str) -> None:
        log(f"learner {self.number} {self}: {text}")
        about = {"learner": self.number, "epoch": self._epoch, "text": text[:MAX_ERROR]}
        self._reporter.mention({"type": "remark", **about})

    def _tell(self, message: Message, seconds: float | None = None) -> Message | None:
        self._progress.sample(0.0, self._wish["preview"])
        progress = dict(self._progress.latest)
        if message["type"] != "done":
            progress.pop("preview", None)
        about = {"learner": self.number, "epoch": self._epoch}
        return self._reporter.tell({**message, **about, **progress}, seconds)
