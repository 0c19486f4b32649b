from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import adaptive
import pytest

from conftest import Jobs, ended
from peer import Message, Peer

TRIED = """
    import os, time
    import adaptive

    big = None

    def f(x, name):
        global big
        if name == "broken":
            raise ValueError("no such x")
        if name == "large":
            big = bytearray(200 << 20)
        if name == "slow":
            open("slow", "w").close()
            time.sleep(600)
        time.sleep(0.05)
        return x

    combos = [{"name": name} for name in ("good", "broken", "large", "unmade", "slow")]

    def fname(combo):
        return "data/" + combo["name"]

    def make_learner(combo):
        if combo["name"] == "unmade":
            raise KeyError("mass")
        return adaptive.Learner1D(lambda x: f(x, **combo), (-1, 1))
"""
NAMES = ["good", "broken", "large", "unmade", "slow"]


def wanted(*names: str) -> str:
    entries = [{"learner": NAMES.index(n), "index": 9, "fname": f"data/{n}"} for n in names]
    return json.dumps(entries)


def trials(peer: Peer) -> list[Message]:
    found = peer.expect("tried")["trials"]
    assert isinstance(found, list)
    return found


def test_mpi4py_evaluates_a_point_in_another_rank_as_it_does_a_learner_s(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling = TRIED.replace("return x\n", "return os.environ['PMI_RANK']\n")
    jobs.write(text=telling)
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", "mpi4py")
    monkeypatch.setenv("ADAPTIVE_TRY", wanted("good"))
    code, output = ended(jobs.start("-m", "adaptive_scheduler.try_point", ranks=2))
    assert code == 0, output
    (trial,) = trials(peer)
    assert (trial["value"], trial["error"]) == ("'1'", None)


@pytest.mark.parametrize(("executor", "ranks"), [("auto", 2), ("process-pool", 0), ("loky", 0)])
def test_points_are_evaluated_and_nothing_is_saved(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, executor: str, ranks: int
) -> None:
    jobs.write(text=TRIED)
    monkeypatch.setenv("ADAPTIVE_EXECUTOR", executor)
    monkeypatch.setenv("ADAPTIVE_TRY", wanted("good", "broken", "large", "unmade"))
    code, output = ended(jobs.start("-m", "adaptive_scheduler.try_point", ranks=ranks))
    assert code == 0, output
    good, broken, large, unmade = trials(peer)
    assert {key: good[key] for key in ("learner", "point", "value", "error", "traceback")} == {
        "learner": 0, "point": "-1.0", "value": "-1.0", "error": None, "traceback": None,
    }  # fmt: skip
    assert 0.05 <= good["seconds"] < 5
    assert 10 < good["megabytes"] < large["megabytes"] - 150
    assert broken["error"] == "ValueError: no such x in <lambda> at x = -1.0"
    assert "adaptive_scheduler/" not in broken["traceback"]
    assert broken["traceback"].endswith("ValueError: no such x")
    assert "make_learner(combos[3]) raised KeyError: 'mass'" in unmade["error"]
    assert "in make_learner" in unmade["traceback"]
    assert not Path("data").exists()


def test_a_value_that_the_learner_cannot_keep_is_told(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TRIED.replace(
        "return x\n", "import numpy; return {'good': 1j, 'slow': numpy.complex64(1)}[name]\n", 1
    )
    jobs.write(text=text.replace('if name == "slow"', "if False"))
    monkeypatch.setenv("ADAPTIVE_TRY", wanted("good", "slow"))
    assert ended(jobs.start("-m", "adaptive_scheduler.try_point"))[0] == 0
    for trial in trials(peer):
        assert trial["error"].endswith(
            "[y.real, y.imag], or what shall be learned of it, such as abs(y)."
        )
        assert trial["point"] == "-1.0"


def test_the_point_is_the_next_one_of_the_data_that_is_there(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = adaptive.Learner1D(abs, (-1, 1))
    learner.tell_many([-1, 1], [0, 0])
    learner.save("data/good")
    before = Path("data/good").read_bytes()
    jobs.write(text=TRIED)
    monkeypatch.setenv("ADAPTIVE_TRY", wanted("good"))
    assert ended(jobs.start("-m", "adaptive_scheduler.try_point"))[0] == 0
    (trial,) = trials(peer)
    assert trial["point"] == "0.0"
    assert Path("data/good").read_bytes() == before


def test_a_point_that_takes_too_long_is_told(
    peer: Peer, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.write(text=TRIED)
    monkeypatch.setenv("ADAPTIVE_TRY", wanted("slow", "good"))
    job = jobs.start("-m", "adaptive_scheduler.try_point")
    while not Path("slow").exists():
        assert job.poll() is None
    os.kill(job.pid, signal.SIGTERM)
    slow, good = trials(peer)
    assert slow["error"].startswith("not finished after ")
    assert (slow["point"], slow["value"]) == ("-1.0", None)
    assert good["error"].startswith("not tried")
    assert ended(job)[0] == 0
