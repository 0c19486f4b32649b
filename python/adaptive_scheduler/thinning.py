"""Which points of many to draw, such that the picture stays the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

Column = Sequence[float]


def of_curves(ys: Sequence[Column], most: int) -> list[int]:
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


def of_cloud(columns: Sequence[Column], most: int) -> list[int]:
    """Choose scattered points evenly, such that the extremes of each column stay.

    Parameters
    ----------
    columns
        Coordinates and value of the points, shape (dimensions + 1, n), in the order in which they
        were evaluated: every k-th of them is as dense as all are, where the function is hard too.
    most
        How many points to choose at most, at least 2 x columns.

    Returns
    -------
    Sorted indices.
    """
    n = len(columns[0])
    if n <= most:
        return list(range(n))
    kept = set()
    for column in columns:
        finite = [i for i in range(n) if math.isfinite(column[i])] or [0]
        kept |= {min(finite, key=column.__getitem__), max(finite, key=column.__getitem__)}
    rest = most - len(kept)
    return sorted(kept | {i * n // rest for i in range(rest)})
