from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import adaptive
import pytest

from adaptive_scheduler.deadline import Deadline
from adaptive_scheduler.goal import GoalError, is_exhausted, moment, of_file, run_goal
from conftest import LEARNERS, Jobs, ended
from peer import Peer
from test_run import RUN, points


def learner(n: int) -> adaptive.Learner1D:
    learner = adaptive.Learner1D(abs, (-1, 1))
    adaptive.runner.simple(learner, npoints_goal=n)
    return learner


def test_a_goal_without_a_return_is_said_rather_than_never_met() -> None:
    with pytest.raises(GoalError) as raised:
        of_file(lambda _: None)(None)  # type: ignore[arg-type,return-value]
    assert "goal returned None" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (None, False),
        ({"npoints": 6}, False),
        ({"npoints": 5}, True),
        ({"loss": 1e-9}, False),
        ({"npoints": 6, "loss": 10}, True),
        ({"seconds": 1000}, False),
        ({"endTime": "2001-01-01T00:00:00Z"}, True),
        ({"endTime": "2999-01-01T00:00:00+01:00"}, False),
        ({"npoints": 5, "endTime": "2999-01-01T00:00:00Z"}, True),
    ],
)
def test_any_entry_of_the_goal_ends_it(goal: dict[str, Any] | None, met: bool) -> None:
    five = learner(5)
    assert run_goal(goal, five)(five) == met


def test_a_duration_counts_from_the_start() -> None:
    goal = run_goal({"seconds": 0.01}, learner(2))
    while not goal(None):
        time.sleep(0.001)


def test_each_child_of_a_balancing_learner_must_meet_the_goal() -> None:
    uneven = adaptive.BalancingLearner([learner(5), learner(3)])
    assert not run_goal({"npoints": 4}, uneven)(uneven)
    assert run_goal({"npoints": 3}, uneven)(uneven)


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-31T18:00:00Z",
        "2027-01-31 19:00:00+01:00",
        "2027-01-31T12:30:00-0530",
        "2027-01-31T20:00:00+02",
        "2027-01-31T18:00:00.000000001Z",
    ],
)
def test_moments_are_read_in_every_form_that_the_settings_allow(text: str) -> None:
    assert moment(text) == pytest.approx(1801418400)


def test_a_learner_is_exhausted_when_nothing_is_left() -> None:
    sequence = adaptive.SequenceLearner(abs, [1, 2])
    wrapped = adaptive.DataSaver(sequence, lambda y: y)
    both = adaptive.BalancingLearner([adaptive.SequenceLearner(abs, []), sequence])
    assert not any(map(is_exhausted, (sequence, wrapped, both, learner(3))))
    adaptive.runner.simple(sequence)
    assert all(map(is_exhausted, (sequence, wrapped, both)))
    integral = adaptive.IntegratorLearner(abs, (0, 1), tol=1e-3)
    assert not is_exhausted(integral)
    adaptive.runner.simple(integral)
    assert is_exhausted(integral)


@pytest.mark.parametrize(
    ("walltime", "save_seconds", "before"),
    [(36000, 1, 30), (36000, 100, 200), (36000, 10_000, 3600), (100, 1, 10)],
)
def test_the_last_save_begins_in_time(walltime: float, save_seconds: float, before: float) -> None:
    assert Deadline(1000, walltime).last_call(save_seconds) == 1000 - before


@pytest.mark.parametrize(
    ("walltime", "left", "first_saves", "enough"),
    [
        (36000, 310, [], True),
        (36000, 290, [], False),
        (36000, 1000, [100, 400, 500], False),
        (36000, 1300, [100, 400, 500], True),
        (100, 26, [], True),
        (100, 24, [], False),
    ],
)
def test_a_further_learner_needs_time(
    walltime: float, left: float, first_saves: list[float], enough: bool
) -> None:
    deadline = Deadline(time.time() + left, walltime)
    assert deadline.leaves_time(first_saves) == enough


def test_a_goal_that_raises_fails_its_learner_and_is_named(peer: Peer, jobs: Jobs) -> None:
    text = LEARNERS + "\n    def goal(learner):\n        return learner.npoints > 3 and 1 / 0\n"
    jobs.write(text=text)
    peer.give(0, "data/0.0")
    assert ended(jobs.start(*RUN))[0] == 0
    failed = peer.expect("failed")
    error = "the goal of the learners file raised: ZeroDivisionError: division by zero"
    assert failed["error"] == error
    assert "in goal" in failed["traceback"]
    assert points(Path("data/0.0")) == failed["npoints"] >= 4


def test_a_learner_that_meets_its_goal_when_loaded_starts_no_pool(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # There are no ranks: a pool could not be started.
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", "mpi4py")
    jobs.write()
    learner(20).save("data/0.0")
    peer.give(0, "data/0.0", goal={"npoints": 20})
    peer.give(1, "data/0.1", goal={"npoints": 20})
    assert ended(jobs.start(*RUN))[0] == 0
    assert peer.types() == ["start", "done", "start", "failed", "start"]
    assert "no MPI ranks" in peer.expect("failed")["error"]


#: The clock of the job goes forward once three points are there; each save asks it what is left.
FORWARD = """
    import time

    now = time.time

    def goal(learner):
        if learner.npoints > 2:
            time.time = lambda: now() + 3500
        return False
"""


def test_before_the_deadline_it_saves_and_ends_with_75(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.write(text=LEARNERS.replace("return x", "time.sleep(0.01); return x") + FORWARD)
    monkeypatch.setenv("ADAPTIVE_WALLTIME_SECONDS", "4000")
    monkeypatch.setenv("ADAPTIVE_DEADLINE", str(time.time() + 3500))
    peer.give(0, "data/0.0", saveEverySeconds=0.1)
    code, output = ended(jobs.start(*RUN))
    assert code == 75, output
    released = peer.expect("released")
    assert released["why"] == "deadline"
    assert points(Path("data/0.0")) == released["npoints"] > 2


def test_with_too_little_time_left_it_asks_for_no_learner(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.write()
    monkeypatch.setenv("ADAPTIVE_WALLTIME_SECONDS", "4000")
    monkeypatch.setenv("ADAPTIVE_DEADLINE", str(time.time() + 200))
    peer.give(0, "data/0.0")
    code, output = ended(jobs.start(*RUN))
    assert code == 0
    assert "left of the walltime" in output
    assert peer.types() == []
