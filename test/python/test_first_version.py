"""The first version's script, unmodified, with each type of learner."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import SCRIPT, Jobs, ended
from peer import Peer
from test_client_support import FIRST_VERSION

FIXTURES = Path(__file__).parent.parent / "fixtures"
ALL_TYPES = runpy.run_path(str(FIXTURES / "all_types.py"))
KINDS: list[str] = list(ALL_TYPES["made"])
FNAMES: list[Any] = ALL_TYPES["fnames"]

#: Each starts three processes, a launcher's too: one with a file and one with several, always.
ALWAYS = ["Learner1D", "BalancingLearner"]
EACH_KIND = [pytest.param(kind, marks=[] if kind in ALWAYS else pytest.mark.long) for kind in KINDS]

#: The fifth evaluation waits for the file `go`, which `noisy` comes to at its third point.
HOLD = """
    import os
    import time

    def hold():
        os.makedirs("evaluated", exist_ok=True)
        n = len(os.listdir("evaluated"))
        open(f"evaluated/{n}", "x").close()
        while n == 4 and not os.path.exists("go"):
            time.sleep(0.01)
"""


@pytest.fixture(autouse=True)
def study(jobs: Jobs) -> None:
    """Write the study and its script."""
    text = (FIXTURES / "all_types.py").read_text()
    for function in ("def peak(x, offset=0.0):\n", "def noise(seed):\n"):
        assert function in text
        text = text.replace(function, f"{function}    hold()\n")
    jobs.write("hold.py", HOLD)
    jobs.write(text=f"from hold import hold\n{text}")
    jobs.write("run_learner.py", FIRST_VERSION)


def loaded(kind: str) -> int:
    """Give how many points adaptive itself finds in the data of a learner."""
    learner = runpy.run_path(str(FIXTURES / "all_types.py"))["made"][kind]
    learner.load(FNAMES[KINDS.index(kind)])
    return int(learner.npoints)


def files(kind: str) -> list[Path]:
    fname = FNAMES[KINDS.index(kind)]
    return [Path(name) for name in ([fname] if isinstance(fname, str) else fname)]


@pytest.mark.long
def test_each_reports_and_is_saved_at_the_goal_and_the_next_step_gets_the_next_learner(
    peer: Peer, jobs: Jobs
) -> None:
    for index, kind in enumerate(KINDS):
        peer.give(index, FNAMES[index], goal={"npoints": 8})
        job = jobs.start(*SCRIPT, ranks=2)
        assert peer.expect("report", lambda report: report["npoints"] > 0)["npoints"] < 8, kind
        Path("go").touch()
        done = peer.expect("done")
        code, output = ended(job)
        assert code == 0, output
        assert (done["learner"], done["npoints"]) == (index, loaded(kind))
        assert done["npoints"] >= 8
        Path("go").unlink()
        shutil.rmtree("evaluated")
    assert ended(jobs.start(*SCRIPT, ranks=2))[0] == 75
    assert peer.types() == [*["start", "done"] * len(KINDS), "start"]


@pytest.mark.parametrize("kind", EACH_KIND)
def test_stopped_it_saves_what_is_finished_and_ends_at_once(
    peer: Peer, jobs: Jobs, kind: str
) -> None:
    index = KINDS.index(kind)
    peer.give(index, FNAMES[index])
    job = jobs.start(*SCRIPT, ranks=2)
    peer.expect("report", lambda report: report["npoints"] > 0)
    peer.push(index, stop="now")
    released = peer.expect("released")
    assert ended(job)[0] == 0
    assert (released["why"], released["npoints"]) == ("stopped", loaded(kind))
    assert released["npoints"] > 0


@pytest.mark.parametrize("kind", EACH_KIND)
def test_a_learner_of_another_job_is_not_saved(peer: Peer, jobs: Jobs, kind: str) -> None:
    index = KINDS.index(kind)
    peer.give(index, FNAMES[index], goal={"npoints": 8})
    job = jobs.start(*SCRIPT, ranks=2)
    peer.expect("report", lambda report: report["npoints"] > 0)
    # adaptive's periodic saving begins with a save, of no point.
    before = [path.read_bytes() for path in files(kind)]
    peer.set_epoch(index, 2)
    Path("go").touch()
    assert ended(job)[0] == 75
    assert [path.read_bytes() for path in files(kind)] == before
    assert peer.types() == ["start"]
