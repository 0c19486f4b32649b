"""Data frames hold each value that a learner has, whole, in every format and of every type."""

from __future__ import annotations

import io
import itertools
import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import adaptive
import numpy as np
import pandas as pd
import pytest

from adaptive_scheduler.dataframes import WRITERS, frame_of

#: Digits that a format which shortens would lose.
NUMBERS = [1 / 3, -2e-17, 12345.678901234567]

SCALARS: dict[str, Callable[[float], Any]] = {
    "float": float,
    "int": lambda x: int(x * 1000),
    "bool": lambda x: x > 0,
    **{
        kind: getattr(np, kind)
        for kind in ("float16", "float32", "float64", "longdouble", "int16", "int64")
    },
    "bool_": np.bool_,
    "0-d": np.array,
    "nan": lambda x: math.nan,
}
COMPLEX: dict[str, Callable[[float], Any]] = {
    "complex": lambda x: complex(x, 2 * x),
    "complex64": lambda x: np.complex64(complex(x, 2 * x)),
    "complex128": lambda x: np.complex128(complex(x, 2 * x)),
}
SHAPES: dict[str, Callable[[Any], Any]] = {
    "scalar": lambda value: value,
    "vector": lambda value: np.array([value, value]),
    "long vector": lambda value: np.array([value] * 2000),
    "list": lambda value: [value, value],
    "tuple": lambda value: (value, value),
    "matrix": lambda value: np.array([[value, value], [value, value]]),
    "dict": lambda value: {"a": value, "b": [value]},
}


def parts(name: str, value: Any, joint: str = "") -> dict[str, Any]:
    """Say what columns of which values one value of a learner should give."""
    if isinstance(value, dict):
        cells = [parts(f"{name}.{key}", part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)) or np.ndim(value) > 0:
        cells = [parts(f"{name}{joint}{i}", part, "_") for i, part in enumerate(value)]
    elif np.iscomplexobj(value):
        number = complex(value)
        return {f"{name}.real": number.real, f"{name}.imag": number.imag}
    else:
        return {name: float(value)}
    return {key: cell for some in cells for key, cell in some.items()}


def read(learner: adaptive.BaseLearner, form: str) -> pd.DataFrame:
    content = frame_of(learner, form)
    if form == "json":
        return pd.DataFrame(json.loads(content))
    return getattr(pd, f"read_{form}")(io.BytesIO(content))


def same(cell: Any, expected: float) -> bool:
    number = math.nan if cell is None else float(cell)
    # pandas itself may read the last digit of a CSV otherwise.
    return math.isclose(number, expected, rel_tol=1e-15) or (
        math.isnan(number) and math.isnan(expected)
    )


@pytest.mark.parametrize("form", WRITERS)
def test_values_of_every_type_and_shape_are_read_back_as_they_were(form: str) -> None:
    for (kind, of), (shape, shaped) in itertools.product(
        {**SCALARS, **COMPLEX}.items(), SHAPES.items()
    ):
        if shape == "long vector" and kind != "float32":
            continue  # a column for each of its numbers takes its time
        learner = adaptive.SequenceLearner(abs, NUMBERS)
        values = [shaped(of(x)) for x in NUMBERS]
        for i, value in enumerate(values):
            learner.tell((i, NUMBERS[i]), value)
        frame = read(learner, form)
        assert list(frame["x"]) == NUMBERS
        expected = [parts("y", value) for value in values]
        assert list(frame.columns) == ["i", "x", *expected[0]], (kind, shape)
        for row, cells in zip(frame.to_dict("records"), expected):
            assert all(same(row[name], cell) for name, cell in cells.items()), (kind, shape)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("kind", ["float", "int", "0-d", "float32", "int64", *COMPLEX])
def test_every_learner_gives_every_point_whatever_its_function_returns(
    kind: str, form: str
) -> None:
    of = {**SCALARS, **COMPLEX}[kind]
    box = [(-1.0, 1.0)] * 2
    x, y = NUMBERS[:2]
    made: list[tuple[adaptive.BaseLearner, list[Any]]] = [
        (adaptive.Learner2D(lambda xy: of(xy[0]), box), [(x, y), (y, x)]),
        (adaptive.LearnerND(lambda xy: of(xy[0]), box), [(x, y), (y, x)]),
        (adaptive.LearnerND(lambda xs: of(xs[0]), [*box, *box]), [(x, y, x, y), (y, x, y, x)]),
        (adaptive.AverageLearner(of, atol=0.1), [0, 1]),
        (adaptive.SequenceLearner(of, NUMBERS), [(0, x), (1, y)]),
        (adaptive.DataSaver(adaptive.SequenceLearner(of, NUMBERS), abs), [(0, x), (1, y)]),
        (adaptive.DataSaver(adaptive.LearnerND(of, box), abs), [(x, y), (y, x)]),
        (adaptive.DataSaver(adaptive.AverageLearner(of, atol=0.1), abs), [0, 1]),
    ]
    if kind not in COMPLEX:
        made.append((adaptive.Learner1D(of, (-1, 1)), [x, y]))
        made.append((adaptive.AverageLearner1D(of, (-1, 1)), [(0, x), (1, x)]))
    for learner, points in made:
        for point in points:
            learner.tell(point, of(point if isinstance(point, (int, float)) else point[-1]))
        assert len(read(learner, form)) == len(points), type(learner).__name__


@pytest.mark.parametrize("form", WRITERS)
def test_parameters_of_the_function_may_be_arrays(form: str) -> None:
    learner = adaptive.Learner1D(partial(max, key=abs, default=np.array([0.5, 1 / 3])), (0, 1))
    learner.tell(0.25, 1.0)
    frame = read(learner, form)
    assert list(frame["function.default1"]) == [1 / 3]
    assert list(frame["function.key"]) == [str(abs)]
