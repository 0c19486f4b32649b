"""When a learner is saved while it runs, and that it is, under whatever runs it."""

from __future__ import annotations

from pathlib import Path

import adaptive
import pytest

from adaptive_scheduler.pace import Pace
from adaptive_scheduler.progress import Progress
from conftest import LEARNERS, SCRIPT, Jobs
from peer import Peer
from test_client_support import FIRST_VERSION
from test_first_version import ALL_TYPES, KINDS
from test_run import HANGING, RUN, points


def saves(every: float, until: float, takes: float = 0.0) -> list[float]:
    """When a learner that always has a new point is saved, looked at every second."""
    pace = Pace(every, 0.0)
    times = []
    for now in range(int(until)):
        if pace.is_due(now):
            pace.tried(now, takes)
            times.append(float(now))
    return times


def test_the_first_save_comes_early_and_the_next_less_often() -> None:
    assert saves(300, 1500) == [60, 180, 420, 720, 1020, 1320]
    assert saves(600, 3000)[:5] == [60, 180, 420, 900, 1500]


@pytest.mark.parametrize("every", [1, 20, 60, 90, 300, 3600])
@pytest.mark.parametrize("takes", [0, 2, 1000])
def test_what_the_run_wants_is_the_most_between_two_saves(every: float, takes: float) -> None:
    times = [0.0, *saves(every, 20_000, takes)]
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert max(gaps) <= every
    assert gaps[0] == min(every, 60)


def test_saves_that_take_long_are_fewer() -> None:
    assert saves(300, 1000, takes=10) == [60, 260, 560, 860]


def test_a_script_that_saves_by_itself_is_left_to_it() -> None:
    pace = Pace(300, 0.0)
    for now in range(0, 5000, 30):
        assert not pace.is_due(now)
        pace.tried(now, 0.1)


def test_when_it_is_time_and_nothing_is_new_somebody_looks_again() -> None:
    pace = Pace(300, 0.0)
    assert pace.wait(20.0) == 40.0
    assert pace.wait(60.0) == 60.0
    assert pace.is_due(1000.0)


@pytest.mark.parametrize("kind", KINDS)
def test_of_every_type_of_learner_is_known_what_is_saved(kind: str) -> None:
    learner: adaptive.BaseLearner = ALL_TYPES["made"][kind]
    adaptive.runner.simple(learner, lambda learner: learner.npoints >= 10)
    children = getattr(learner, "learners", [learner])
    progress = Progress(learner, "data/x", 35, 0.5)
    # Until it is loaded, what the scheduler knows of it is the best that there is to say.
    assert progress.latest == {"npoints": 35, "loss": 0.5}
    progress.loaded([0] * len(children))
    assert progress.is_unsaved()
    for number, child in enumerate(children):
        progress.saved(number, child.npoints)
    assert not progress.is_unsaved()
    progress.sample(0.0, draw=False)
    assert progress.latest["saved"] == progress.latest["npoints"] >= 10


#: No runner of its own saves anything before the end.
UNSAVED = FIRST_VERSION.replace("runner.start_periodic_saving", "dict")


@pytest.mark.parametrize(
    ("program", "ranks"), [(RUN, 0), (RUN, 3), (SCRIPT, 3)], ids=["processes", "MPI", "script"]
)
def test_points_are_saved_and_said_to_be_while_others_are_evaluated(
    peer: Peer, jobs: Jobs, program: tuple[str, ...], ranks: int
) -> None:
    jobs.write(text=HANGING)
    jobs.write("run_learner.py", UNSAVED)
    peer.give(0, "data/0.0", saveEverySeconds=0.05)
    job = jobs.start(*program, ranks=ranks)
    peer.expect("report", lambda report: report.get("saved") == 2)
    assert points(Path("data/0.0")) == 2
    peer.push(0, stop="now")
    peer.expect("released")
    job.wait()


def test_a_runner_without_a_loop_is_saved_when_points_are_done(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=LEARNERS.replace("return x +", "time.sleep(0.01); return x +"))
    jobs.write("run_learner.py", BLOCKING)
    peer.give(0, "data/0.0", saveEverySeconds=0.05, goal={"npoints": 100})
    jobs.start(*SCRIPT)
    report = peer.expect("report", lambda report: report.get("saved", 0) > 0)
    assert report["npoints"] < 100
    peer.expect("done", lambda done: done["saved"] == done["npoints"])


BLOCKING = """
    import adaptive
    from concurrent.futures import ThreadPoolExecutor
    from adaptive_scheduler import client_support
    from _learners import learners, combos

    if __name__ == "__main__":
        learner, fname = client_support.get_learner(None, learners, combos)
        learner.load(fname)
        adaptive.BlockingRunner(learner, npoints_goal=100, executor=ThreadPoolExecutor(1))
        client_support.is_done(None, fname)
"""
