from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adaptive
import numpy as np
import pytest

from adaptive_scheduler import preview


def saved(function: Callable[[float], Any], compress: bool = True) -> Path:
    learner = adaptive.Learner1D(function, (-1, 1))
    adaptive.runner.simple(learner, npoints_goal=10)
    learner.save("data/x", compress)
    return Path("data/x")


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_gives_its_curve(capsys: pytest.CaptureFixture[str], compress: bool) -> None:
    saved(lambda x: np.float64(x * x), compress=compress)
    assert preview.main(["data/x", "--type", "Learner1D"]) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert drawn["x"] == sorted(drawn["x"])
    assert drawn["y"] == [[x * x for x in drawn["x"]]]
    assert (drawn["kind"], drawn["bounds"], drawn["npoints"]) == ("line", [-1, 1], 10)


def test_a_vector_gives_a_curve_for_each_component() -> None:
    data = preview.load(saved(lambda x: np.array([x, 2 * x, -x])))
    xs = sorted(data)
    assert preview.of_data(data)["y"] == [xs, [2 * x for x in xs], [-x for x in xs]]


def test_a_complex_number_gives_two_curves() -> None:
    assert preview.of_data({0.0: 1 + 2j, 1.0: np.complex128(3 - 1j)})["y"] == [[1, 3], [2, -1]]


def test_what_is_not_finite_is_null() -> None:
    drawn = preview.of_data({0.0: math.nan, 1.0: math.inf, 2.0: 1.0})
    assert drawn["y"] == [[None, None, 1.0]]


def test_a_learner_without_points_gives_an_empty_curve() -> None:
    learner = adaptive.Learner1D(abs, (-2, 3))
    drawn = preview.of_learner(learner)
    assert drawn is not None
    assert (drawn["x"], drawn["y"], drawn["bounds"]) == ([], [[]], [-2, 3])


def test_thinning_keeps_ends_and_extremes() -> None:
    data = {float(x): math.sin(x / 1000) for x in range(50_000)}
    data |= {12_345.0: 100.0, 23_456.0: -100.0, 5.0: math.nan}
    drawn = preview.of_data(data)
    assert len(drawn["x"]) <= preview.MAX_POINTS
    assert len(drawn["x"]) > preview.MAX_POINTS / 2
    at = dict(zip(drawn["x"], drawn["y"][0]))
    assert (at[12_345.0], at[23_456.0]) == (100.0, -100.0)
    assert {0.0, 49_999.0} <= set(at)
    assert drawn["npoints"] == 50_000


def test_a_file_is_drawn_without_adaptive() -> None:
    path = saved(lambda x: x)
    program = (
        "import sys; from adaptive_scheduler import preview\n"
        f"assert preview.main([{str(path)!r}, '--type', 'Learner1D']) == 0\n"
        "assert not {'adaptive', 'scipy', 'numpy', 'zmq'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["absent", "--type", "Learner1D"], "no-data"),
        (["broken", "--type", "Learner1D"], "unreadable"),
        (["broken", "--type", "LearnerND"], "no-preview"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    Path("broken").write_bytes(b"?")
    assert preview.main(arguments) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
