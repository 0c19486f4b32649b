"""What is drawn of each type of learner, alive and from its data file."""

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

from adaptive_scheduler import drawn, preview
from adaptive_scheduler.kinds import bounds_of, type_of


def saved(function: Callable[[float], Any], compress: bool = True) -> Path:
    learner = adaptive.Learner1D(function, (-1, 1))
    adaptive.runner.simple(learner, npoints_goal=10)
    learner.save("data/x", compress)
    return Path("data/x")


def quadratic(x: float) -> float:
    return x * x


def wiggly(x: float) -> float:
    return math.sin(50 * x) ** 2 / (1 + x)


def noisy(seed_x: tuple[int, float]) -> float:
    seed, x = seed_x
    return x + (seed * 7919 % 13) / 13


LEARNERS: dict[str, Callable[[], Any]] = {
    "Learner1D": lambda: adaptive.Learner1D(quadratic, (-1, 1)),
    "Learner2D": lambda: adaptive.Learner2D(sum, [(-1, 1), (0, 2)]),
    "LearnerND": lambda: adaptive.LearnerND(sum, [(-1, 1), (0, 2), (0, 3)]),
    "AverageLearner": lambda: adaptive.AverageLearner(lambda seed: seed * 7919 % 13, atol=0.1),
    "AverageLearner1D": lambda: adaptive.AverageLearner1D(
        noisy, (-1, 1), min_samples=5, max_samples=20
    ),
    "IntegratorLearner": lambda: adaptive.IntegratorLearner(wiggly, (0, 3), tol=1e-10),
    "SequenceLearner": lambda: adaptive.SequenceLearner(quadratic, list(range(100))),
    "DataSaver(Learner2D)": lambda: adaptive.DataSaver(
        adaptive.Learner2D(lambda xy: {"y": sum(xy)}, [(-1, 1), (0, 2)]), lambda result: result["y"]
    ),
    "BalancingLearner(Learner1D)": lambda: adaptive.BalancingLearner(
        [adaptive.Learner1D(quadratic, (-1, 1)) for _ in range(3)]
    ),
}
KINDS = {
    "Learner1D": "line",
    "Learner2D": "surface",
    "LearnerND": "points",
    "AverageLearner": "histogram",
    "AverageLearner1D": "line",
    "IntegratorLearner": "line",
    "SequenceLearner": "sequence",
    "DataSaver(Learner2D)": "surface",
    "BalancingLearner(Learner1D)": "balancing",
}


@pytest.mark.parametrize("kind", LEARNERS)
def test_each_type_is_drawn_the_same_alive_and_from_its_file(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    learner = LEARNERS[kind]()
    assert type_of(learner) == kind
    is_balancing = kind.startswith("Balancing")
    fname = [f"data/{i}" for i in range(3)] if is_balancing else "data/x"
    empty = preview.of_learner(learner, fname)
    assert empty is not None
    assert empty["npoints"] == 0
    adaptive.runner.simple(learner, lambda learner: learner.npoints >= 40)
    alive = preview.of_learner(learner, fname)
    assert alive is not None
    assert (alive["kind"], alive["npoints"]) == (KINDS[kind], learner.npoints)
    json.dumps(alive, allow_nan=False)
    learner.save(fname)
    files = fname if isinstance(fname, list) else [fname]
    bounds = bounds_of(learner)
    options = [] if bounds is None else ["--bounds", json.dumps(bounds)]
    assert preview.main(["--type", kind, *options, "--", *files]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(alive))


def test_an_integral_and_a_mean_come_with_their_errors() -> None:
    integral = LEARNERS["IntegratorLearner"]()
    adaptive.runner.simple(integral)
    (fact,) = (preview.of_learner(integral) or {})["facts"]
    assert fact["label"] == "integral"
    assert fact["text"].startswith("0.69434")
    assert " ± " in fact["text"]
    average = LEARNERS["AverageLearner"]()
    adaptive.runner.simple(average, npoints_goal=130)
    picture = preview.of_learner(average) or {}
    assert picture["mean"] == pytest.approx(6.0, abs=0.2)
    assert picture["standardError"] == pytest.approx(average.std / math.sqrt(130))
    assert sum(picture["counts"]) == 130
    assert len(picture["edges"]) == len(picture["counts"]) + 1


def test_averages_have_standard_errors() -> None:
    learner = LEARNERS["AverageLearner1D"]()
    adaptive.runner.simple(learner, lambda learner: learner.npoints >= 10)
    picture = preview.of_learner(learner) or {}
    x = picture["x"][3]
    samples = list(learner._data_samples[x].values())
    expected = np.std(samples, ddof=1) / math.sqrt(len(samples))
    assert picture["errors"][3] == pytest.approx(expected)


def test_a_function_of_many_variables_in_two_dimensions_is_a_surface() -> None:
    learner = adaptive.LearnerND(lambda xy: [xy[0], xy[1]], [(-1, 1), (0, 2)])
    adaptive.runner.simple(learner, npoints_goal=20)
    picture = preview.of_learner(learner) or {}
    assert (picture["kind"], picture["zLabel"]) == ("surface", "z[0]")
    assert picture["z"] == picture["x"]


def test_the_domain_of_a_hull_is_its_box() -> None:
    from scipy.spatial import ConvexHull

    learner = adaptive.LearnerND(sum, ConvexHull([(0, 0), (1, 0), (0, 2)]))
    adaptive.runner.simple(learner, npoints_goal=5)
    assert bounds_of(learner) is None
    assert (preview.of_learner(learner) or {})["bounds"] == [[0, 1], [0, 2]]


def test_a_sequence_shows_texts_where_values_are_no_numbers() -> None:
    learner = adaptive.SequenceLearner(lambda x: {"a": x}, ["p", "q", "r"])
    adaptive.runner.simple(learner, npoints_goal=2)
    picture = preview.of_learner(learner) or {}
    assert (picture["index"], picture["values"], picture["total"]) == ([0, 1], [None, None], 3)
    assert picture["texts"] == ["{'a': 'p'}", "{'a': 'q'}"]


def test_children_without_a_file_yet_have_no_picture() -> None:
    saved(abs)
    picture = preview.of_files(["data/x", "data/none"], "BalancingLearner(Learner1D)")
    assert picture is not None
    assert [child["preview"] is None for child in picture["children"]] == [False, True]
    assert (picture["npoints"], picture["total"]) == (10, 2)


def test_many_children_share_a_message() -> None:
    learner = adaptive.BalancingLearner([adaptive.Learner1D(abs, (0, 1)) for _ in range(40)])
    vector = [1.23456789012345e-100] * 16
    for child in learner.learners[:20]:
        child.data = {i / 1000: vector for i in range(1000)}
    picture = preview.of_learner(learner, [f"data/{i}" for i in range(40)]) or {}
    assert (len(picture["children"]), picture["total"]) == (preview.MAX_CHILDREN, 40)
    assert sum(len(child["preview"]["x"]) for child in picture["children"]) <= 5000
    assert len(json.dumps(picture)) < 1 << 20


@pytest.mark.parametrize("compress", [True, False])
def test_a_file_gives_its_curve(capsys: pytest.CaptureFixture[str], compress: bool) -> None:
    saved(lambda x: np.float64(x * x), compress=compress)
    assert preview.main(["data/x", "--type", "Learner1D"]) == 0
    picture = json.loads(capsys.readouterr().out)
    assert picture["x"] == sorted(picture["x"])
    assert picture["y"] == [[x * x for x in picture["x"]]]
    assert (picture["kind"], picture["bounds"], picture["npoints"]) == ("line", [-1, 1], 10)


def test_a_vector_gives_a_curve_for_each_component() -> None:
    data = {float(x): np.array([x, 2 * x, -x]) for x in range(3)}
    assert drawn.line(data, None)["y"] == [[0, 1, 2], [0, 2, 4], [0, -1, -2]]


def test_a_complex_number_gives_two_curves() -> None:
    assert drawn.line({0.0: 1 + 2j, 1.0: np.complex128(3 - 1j)}, None)["y"] == [[1, 3], [2, -1]]


def test_what_is_not_finite_is_null() -> None:
    picture = drawn.line({0.0: math.nan, 1.0: math.inf, 2.0: 1.0}, None)
    assert picture["y"] == [[None, None, 1.0]]


def test_a_learner_without_points_gives_an_empty_curve() -> None:
    picture = preview.of_learner(adaptive.Learner1D(abs, (-2, 3)))
    assert picture is not None
    assert (picture["x"], picture["y"], picture["bounds"]) == ([], [[]], [-2, 3])


def test_thinning_keeps_ends_and_extremes() -> None:
    data = {float(x): math.sin(x / 1000) for x in range(50_000)}
    data |= {12_345.0: 100.0, 23_456.0: -100.0, 5.0: math.nan}
    picture = drawn.line(data, None)
    assert drawn.MAX_POINTS / 2 < len(picture["x"]) <= drawn.MAX_POINTS
    at = dict(zip(picture["x"], picture["y"][0]))
    assert (at[12_345.0], at[23_456.0]) == (100.0, -100.0)
    assert {0.0, 49_999.0} <= set(at)
    assert picture["npoints"] == 50_000


def test_thinning_scattered_points_keeps_the_ends_of_each_axis_and_the_extremes() -> None:
    data = {(math.sin(i), math.cos(i)): float(i % 7) for i in range(20_000)}
    data |= {(-5.0, 0.0): 0.0, (0.0, 5.0): 0.0, (0.1, 0.1): 99.0, (0.2, 0.2): math.nan}
    picture = drawn.cloud(data, 2, None)
    assert drawn.MAX_POINTS / 2 < len(picture["x"]) <= drawn.MAX_POINTS
    assert min(picture["x"]) == -5
    assert max(picture["y"]) == 5
    assert max(z for z in picture["z"] if z is not None) == 99


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
        (["good", "--type", "TheirLearner"], "no-preview"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: str
) -> None:
    Path("broken").write_bytes(b"?")
    saved(abs).rename("good")
    assert preview.main(arguments) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
