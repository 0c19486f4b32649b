"""Data frames, both forms of the learners file, and faults of adaptive that must not hurt."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import adaptive
import pandas as pd
import pytest

from adaptive_scheduler.dataframes import WRITERS, fault_of, frame_of
from adaptive_scheduler.kinds import parts_of
from conftest import LEARNERS, SCRIPT, Jobs, ended
from peer import Peer
from test_client_support import FIRST_VERSION
from test_first_version import ALL_TYPES, KINDS
from test_run import RUN, points

MADE = """
    import os
    import adaptive

    combos = [{"offset": i} for i in range(50)]

    def fname(combo):
        return f"data/{combo['offset']}"

    def make_learner(combo):
        with open("made", "a") as file:
            file.write(f"{combo['offset']} ")
        if combo["offset"] == 13:
            raise RuntimeError("bad luck")
        return adaptive.Learner1D(abs, (-1, 1))
"""


def test_a_job_makes_only_the_learners_that_it_is_given(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=MADE)
    peer.give(7, "data/7", goal={"npoints": 5})
    peer.give(13, "data/13", goal={"npoints": 5})
    peer.give(2, "data/4", goal={"npoints": 5})  # the file was put in another order since
    code, output = ended(jobs.start(*RUN))
    assert code == 0, output
    assert peer.types() == ["start", "done", "start", "failed", "start", "done", "start"]
    assert Path("made").read_text() == "7 13 4 "
    failed = next(request for request in peer.seen if request["type"] == "failed")
    assert (
        "_learners.py:14: make_learner(combos[13]) raised RuntimeError: bad lu" in failed["error"]
    )
    assert points(Path("data/4")) >= 5


def test_a_script_may_give_make_learner_for_learners(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=MADE)
    text = FIRST_VERSION.replace("learners, combos", "make_learner, combos")
    jobs.write("run_learner.py", text)
    peer.give(3, "data/3", goal={"npoints": 5})
    code, output = ended(jobs.start(*SCRIPT, ranks=2))
    assert code == 0, output
    assert peer.types() == ["start", "done"]


@pytest.mark.parametrize("form", WRITERS)
def test_a_data_frame_is_saved_beside_the_data(peer: Peer, jobs: Jobs, form: str) -> None:
    jobs.write()
    peer.give(1, "data/0.1", goal={"npoints": 10}, dataframe=form)
    assert ended(jobs.start(*RUN))[0] == 0
    frame = getattr(pd, f"read_{form}")(f"data/0.1.{form}")
    assert len(frame) == points(Path("data/0.1"))
    assert {"x", "y"} <= set(frame.columns)


@pytest.fixture(scope="module")
def evaluated() -> dict[str, adaptive.BaseLearner]:
    made: dict[str, adaptive.BaseLearner] = ALL_TYPES["made"]
    for learner in made.values():
        adaptive.runner.simple(learner, lambda learner: learner.npoints >= 10)
    return made


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_learner_has_a_data_frame_in_every_format(
    evaluated: dict[str, adaptive.BaseLearner], kind: str, form: str
) -> None:
    parts = parts_of(evaluated[kind])
    frames = [getattr(pd, f"read_{form}")(io.BytesIO(frame_of(part, form))) for part in parts]
    assert sum(map(len, frames)) >= evaluated[kind].npoints >= 10
    # Vectors and dicts have columns of their own: y0, y1, …
    columns = {re.sub(r"^(y|extra_data)([0-9]|\..*)$", r"\1", name) for name in frames[0].columns}
    assert columns == set(parts[0].to_dataframe().columns)


def test_a_python_that_cannot_write_a_format_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [fault_of(form) for form in WRITERS] == [None] * len(WRITERS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert fault_of("csv") is None
    fault = fault_of("parquet")
    assert fault is not None
    assert "pyarrow" in fault["message"]
    assert f"{sys.executable} -m pip install pandas pyarrow, or " in fault["hint"]
    monkeypatch.setitem(sys.modules, "pandas", None)
    fault = fault_of("csv")
    assert fault is not None
    assert f"{sys.executable} -m pip install pandas, or " in fault["hint"]


def test_a_data_frame_that_cannot_be_made_is_remarked_once(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text="    import sys; sys.modules['pandas'] = None\n" + LEARNERS)
    peer.give(1, "data/0.1", goal={"npoints": 10}, dataframe="csv")
    assert ended(jobs.start(*RUN))[0] == 0
    assert peer.types() == ["start", "done", "start"]
    (remark,) = [request for request in peer.seen if request["type"] == "remark"]
    assert remark["text"].startswith("no data frame ")
    assert "but the data is saved: " in remark["text"]
    assert points(Path("data/0.1")) >= 10


def test_a_learner_whose_values_would_lose_a_part_fails_and_says_what_to_do(
    peer: Peer, jobs: Jobs
) -> None:
    lossy = "import numpy; return numpy.complex128(complex(x, 1))"
    jobs.write(
        text=f"""
    import adaptive
    def f(x):
        {lossy}
    learners = [adaptive.Learner1D(f, (-1, 1))]
    fnames = ["data/lossy"]
    """
    )
    peer.give(0, "data/lossy", goal={"npoints": 10})
    assert ended(jobs.start(*RUN))[0] == 0
    failed = peer.expect("failed")
    assert (
        "discards the imaginary part. This type of learner keeps real values only"
        in failed["error"]
    )


ND = """
    import adaptive
    learners = [adaptive.LearnerND(lambda xy: {result}, [(-1, 1), (-1, 1)])]
    fnames = ["data/nd"]
"""


def test_a_learner_nd_that_is_loaded_keeps_the_function_of_its_file(peer: Peer, jobs: Jobs) -> None:
    for result, npoints in (("1.0", 10), ("2.0", 20)):
        jobs.write(text=ND.format(result=result))
        peer.give(0, "data/nd", goal={"npoints": npoints})
        assert ended(jobs.start(*RUN))[0] == 0
    learner = adaptive.LearnerND(sum, [(-1, 1), (-1, 1)])
    learner.load("data/nd")
    assert learner.function is sum
    values = list(learner.data.values())
    assert values == [1.0] * 10 + [2.0] * (len(values) - 10)


def test_a_folder_that_cannot_be_written_fails_a_script_too(peer: Peer, jobs: Jobs) -> None:
    jobs.write()
    # The folder is lost on the way; `learner.save` says nothing of it.
    text = FIRST_VERSION.replace("learner.load(fname)", "open('data', 'w').close()")
    jobs.write("run_learner.py", text)
    peer.give(0, "data/0.0", goal={"npoints": 5})
    code, _ = ended(jobs.start(*SCRIPT, ranks=2))
    assert code != 0
    assert peer.expect("failed")["error"].startswith("could not save: ")
    assert peer.types() == ["start", "failed"]


def test_an_error_that_ends_a_script_is_told_and_its_learner_saved(peer: Peer, jobs: Jobs) -> None:
    jobs.write(text=LEARNERS.replace("return x +", "return 1 / 0 if x not in (-1, 1) else x +"))
    text = FIRST_VERSION.replace(
        "raise_if_retries_exceeded=False", "raise_if_retries_exceeded=True"
    )
    jobs.write("run_learner.py", text.replace("retries=10", "retries=0"))
    peer.give(0, "data/0.0", goal={"npoints": 5})
    code, _ = ended(jobs.start(*SCRIPT, ranks=2))
    assert code != 0
    failed = peer.expect("failed")
    assert failed["error"].startswith("ZeroDivisionError: division by zero in h at x = ")
    assert points(Path("data/0.0")) == failed["npoints"] == 2
