"""A learner's data, thinned for drawing.

`python -m adaptive_scheduler.preview FILE --type Learner1D` prints it for a data file. It imports
neither adaptive nor what adaptive needs, so that it answers at once.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

MAX_POINTS = 2000
#: Components of a vector-valued function that are drawn, at most.
MAX_COMPONENTS = 16

Preview = dict[str, Any]


def of_learner(learner: Any) -> Preview | None:
    """Give the preview of a learner; None when it is of a kind that is not drawn."""
    while type(learner).__name__ == "DataSaver":
        learner = learner.learner
    if type(learner).__name__ != "Learner1D":
        return None
    return of_data(learner.data, tuple(learner.bounds))


def of_data(data: dict[float, Any], bounds: Sequence[float] | None = None) -> Preview:
    """Give the preview of the data of a Learner1D.

    Parameters
    ----------
    data
        From x to y; y is a number (a complex one counts as two) or a vector.
    bounds
        Ends of the domain; by default the ends of the data.

    Returns
    -------
    dict
        `x` of shape (n,), sorted, and `y` of shape (components, n), n at most 2000.
    """
    rows = sorted((float(x), _components(y)) for x, y in data.items())
    xs = [x for x, _ in rows]
    count = min((len(y) for _, y in rows), default=1)
    ys = [[y[component] for _, y in rows] for component in range(min(count, MAX_COMPONENTS))]
    kept = thinned(ys, MAX_POINTS)
    low, high = bounds or ((xs[0], xs[-1]) if xs else (0.0, 1.0))
    return {
        "kind": "line",
        "x": [xs[i] for i in kept],
        "y": [[y[i] if math.isfinite(y[i]) else None for i in kept] for y in ys],
        "xLabel": "x",
        "yLabel": "y",
        "bounds": [float(low), float(high)],
        "npoints": len(data),
    }


def thinned(ys: Sequence[Sequence[float]], most: int) -> list[int]:
    """Choose points of curves such that their extremes stay.

    Parameters
    ----------
    ys
        Curves, shape (components, n).
    most
        How many points to choose at most, at least 2 + 2 x components.

    Returns
    -------
    Sorted indices: the ends, and of each bucket of neighbours each curve's least and greatest.
    """
    n = len(ys[0])
    if n <= most:
        return list(range(n))
    buckets = (most - 2) // (2 * len(ys))
    kept = {0, n - 1}
    for bucket in range(buckets):
        neighbours = range(bucket * n // buckets, (bucket + 1) * n // buckets)
        for y in ys:
            finite = [i for i in neighbours if math.isfinite(y[i])] or [neighbours[0]]
            kept |= {min(finite, key=y.__getitem__), max(finite, key=y.__getitem__)}
    return sorted(kept)


def load(path: Path) -> Any:
    """Load a data file, compressed or not."""
    with open(path, "rb") as file:
        is_compressed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        return pickle.loads(gzip.decompress(file.read()) if is_compressed else file.read())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the preview of a file as JSON; returns the exit code."""
    parser = argparse.ArgumentParser("adaptive_scheduler.preview", description=of_data.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--type", required=True, help="class of the learner, e.g. Learner1D")
    options = parser.parse_args(arguments)
    if options.type not in ("Learner1D", "DataSaver"):
        return _fail("no-preview", f"A {options.type} is not drawn; a Learner1D is.")
    try:
        data = load(options.file)
        # A DataSaver's file holds the data of its learner and what else was returned.
        data = data[0] if isinstance(data, tuple) else data
        print(json.dumps(of_data(data), allow_nan=False))
    except FileNotFoundError:
        return _fail("no-data", f"{options.file} is not there: nothing is saved yet.")
    except Exception as error:
        return _fail("unreadable", f"{options.file}: {type(error).__name__}: {error}")
    return 0


def _components(y: Any) -> list[float]:
    if isinstance(y, complex):
        return [y.real, y.imag]
    try:
        return [float(value) for value in y]
    except TypeError:
        return [float(y)]


def _fail(code: str, message: str) -> int:
    print(json.dumps({"error": {"code": code, "message": message}}))
    return 2


if __name__ == "__main__":
    sys.exit(main())
