"""A learner's data as a data frame of pandas, in the bytes of a file beside the data file.

Values that adaptive puts into one cell, and that a format would shorten or refuse, get columns of
their own: those of a vector `y0`, `y1`, …, of a matrix `y0_0`, `y0_1`, …, of a dict `y.name`, and
the parts of complex numbers `y.real` and `y.imag`. Numbers are written with all their digits.

`python -m adaptive_scheduler.dataframes FORMAT` prints as JSON whether this Python can write one:
`{"error": null}`, or an error with code, message and hint.
"""

from __future__ import annotations

import datetime
import io
import json
import math
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from adaptive_scheduler import answer
from adaptive_scheduler.kinds import class_of, unwrapped

#: What writes a data frame, by its format.
WRITERS: dict[str, Any] = {
    "csv": lambda frame, file: frame.to_csv(file, index=False),
    "json": lambda frame, file: file.write(_as_json(frame).encode()),
    "parquet": lambda frame, file: frame.to_parquet(file, index=False),
    "pickle": lambda frame, file: frame.to_pickle(file),
}


def frame_path(path: str, form: str) -> str:
    """Name the data frame's file: that of the data file with the format behind it."""
    return f"{path}.{form}"


def frame_of(learner: Any, form: str) -> bytes:
    """Give the content of a file with the learner's data frame.

    Raises
    ------
    Exception
        Whatever the learner or pandas raises; ImportError when pandas or pyarrow is missing.
    """
    return _written(_tidy(_frame(learner)), form)


def fault_of(form: str) -> dict[str, str] | None:
    """Say why this Python cannot write data frames in a format, and what to do; or None."""
    try:
        import pandas as pd

        _written(pd.DataFrame({"x": [0.5]}), form)
    except ImportError as error:
        packages = " ".join(["pandas", *(["pyarrow"] if form == "parquet" else [])])
        words = " ".join(str(error).split())
        return {
            "code": "no-dataframes",
            "message": f"{sys.executable} cannot write data frames as {form}: {words}",
            "hint": f"{sys.executable} -m pip install {packages}, or change the setting dataframe.",
        }
    return None


def _frame(learner: Any) -> Any:
    """Give the data frame that adaptive makes."""
    inner = unwrapped(learner)
    names = {"point_names": _point_names(inner.ndim)} if class_of(inner) == "LearnerND" else {}
    if class_of(learner) == "DataSaver":
        frame = _frame(learner.learner)
        points = _points(frame, inner)
        frame["extra_data"] = [learner.extra_data[point] for point in points]
        return frame
    try:
        return learner.to_dataframe(**names)
    except ValueError:
        # adaptive cannot put an array that is a parameter of the function into a column.
        frame = learner.to_dataframe(with_default_function_args=False, **names)
        function = getattr(inner, "_original_function", inner.function)
        for name, value in getattr(function, "keywords", {}).items():
            frame[f"function.{name}"] = [value] * len(frame)
        return frame


def _points(frame: Any, learner: Any) -> list[Any]:
    """Give the point of each row, by which a DataSaver keeps what else a function returned."""
    # adaptive itself looks for those of a SequenceLearner under the index alone.
    names = ["i", "x"] if class_of(learner) == "SequenceLearner" else frame.attrs["inputs"]
    rows = zip(*(frame[name].tolist() for name in names))
    return [row[0] if len(row) == 1 else row for row in rows]


def _point_names(ndim: int) -> tuple[str, ...]:
    """Name the coordinates of a point; adaptive itself only does those of three."""
    return ("x", "y", "z")[:ndim] if ndim <= 3 else tuple(f"x{i}" for i in range(ndim))


def _tidy(frame: Any) -> Any:
    """Give every value a column that each format can hold."""
    import pandas as pd

    columns: dict[str, Any] = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind not in "cO":
            # Short floats would be written as the shortest text that gives them, as short floats.
            values = column.astype("float64") if column.dtype.kind == "f" else column
            columns[_unused(str(name), columns)] = values.to_numpy()
            continue
        for part, values in _columns(str(name), [_plain(value) for value in column]):
            columns[_unused(part, columns)] = values
    return pd.DataFrame(columns, index=frame.index)


def _columns(name: str, values: list[Any], joint: str = "") -> Iterator[tuple[str, list[Any]]]:
    first = values[0] if values else None
    if isinstance(first, dict) and all(
        isinstance(value, dict) and value.keys() == first.keys() for value in values
    ):
        for key in first:
            yield from _columns(f"{name}.{key}", [value[key] for value in values])
    elif isinstance(first, list) and all(
        isinstance(value, list) and len(value) == len(first) > 0 for value in values
    ):
        for i in range(len(first)):
            yield from _columns(f"{name}{joint}{i}", [value[i] for value in values], "_")
    elif any(isinstance(value, complex) for value in values):
        numbers = [complex(math.nan if value is None else value) for value in values]
        yield f"{name}.real", [number.real for number in numbers]
        yield f"{name}.imag", [number.imag for number in numbers]
    else:
        yield name, values


def _plain(value: Any) -> Any:
    """Give a value of Python's own types: without them pandas and pyarrow refuse or shorten it."""
    import numpy as np

    if isinstance(value, (np.datetime64, np.timedelta64)):
        import pandas as pd

        return pd.Timestamp(value) if isinstance(value, np.datetime64) else pd.Timedelta(value)
    if isinstance(value, np.longdouble):
        return float(value)
    if isinstance(value, np.clongdouble):
        return complex(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        # One of no dimension holds a single number.
        return _plain(value[()]) if value.ndim == 0 else [_plain(part) for part in value]
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value if value is None or isinstance(value, _HELD) else str(value)


#: What every format holds as it is; anything else is written as its text.
_HELD = (bool, int, float, complex, str, bytes, Decimal, datetime.date, datetime.timedelta)


def _unused(name: str, columns: dict[str, Any]) -> str:
    while name in columns:
        name += "_"
    return name


def _as_json(frame: Any) -> str:
    """Give its rows as JSON; pandas itself writes ten digits of a number."""
    rows = frame.to_dict("records")
    return json.dumps([{name: _finite(row[name]) for name in row} for row in rows], default=str)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are null, as pandas has it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _written(frame: Any, form: str) -> bytes:
    file = io.BytesIO()
    WRITERS[form](frame, file)
    return file.getvalue()


if __name__ == "__main__":
    answer.redirect_prints()
    answer.give({"error": fault_of(sys.argv[1])})
