"""Pictures of data as JSON, of the kinds that the scheduler knows; see docs/protocol.md.

Nothing but the standard library is imported here, so that drawing a file needs nothing else either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Optional

from adaptive_scheduler import thinning

#: Points of a picture, and numbers in all of them, so that a message stays below 1 MiB.
MAX_POINTS = 2000
MAX_NUMBERS = 30_000
#: Components of a vector-valued function, and dimensions, that are drawn.
MAX_COMPONENTS = 16
MAX_BINS = 100
MAX_TEXT = 60

Preview = dict[str, Any]
Bounds = Optional[Sequence[Sequence[float]]]


def line(
    data: Mapping[float, Any],
    bounds: Bounds,
    share: int = 1,
    error_of: Callable[[float], float] | None = None,
    facts: Iterable[tuple[str, str]] = (),
) -> Preview:
    """Draw a function of one variable.

    Parameters
    ----------
    data
        From x to y; y is a number (a complex one counts as two) or a vector.
    bounds
        Ends of the domain; by default the ends of the data.
    share
        How many pictures share a message.
    error_of
        Gives the standard error of y at x.
    facts
        Labels and texts about the data as a whole.

    Returns
    -------
    dict
        `x` of shape (n,), sorted, and `y` of shape (components, n).
    """
    rows = sorted(((float(x), x) for x in data), key=lambda row: row[0])
    values = [components(data[x]) for _, x in rows]
    count = min((len(y) for y in values), default=1)
    ys = [[y[component] for y in values] for component in range(min(count, MAX_COMPONENTS))]
    kept = thinning.of_curves(ys, most(1 + len(ys) + (error_of is not None), share))
    errors = None
    if error_of is not None and len(ys) == 1:
        errors = [finite(error_of(rows[i][1])) for i in kept]
    return {
        "kind": "line",
        "npoints": len(data),
        "facts": as_facts(facts),
        "x": [rows[i][0] for i in kept],
        "y": [[finite(y[i]) for i in kept] for y in ys],
        "errors": errors,
        "xLabel": "x",
        "yLabel": "y",
        "bounds": interval(bounds[0] if bounds else None, [x for x, _ in rows]),
    }


def cloud(data: Mapping[Any, Any], dimensions: int, bounds: Bounds, share: int = 1) -> Preview:
    """Draw a function of two variables as a surface, of three or more as points."""
    shown = min(dimensions, MAX_COMPONENTS)
    columns = [[float(point[axis]) for point in data] for axis in range(shown)]
    values = [components(value) for value in data.values()]
    heights = [value[0] if value else math.nan for value in values]
    kept = thinning.of_cloud([*columns, heights], most(shown + 1, share))
    labels = ["x", "y", "z"] if shown <= 3 else [f"x{axis + 1}" for axis in range(shown)]
    of = bounds or [[]] * shown
    ends = [interval(of[axis], columns[axis]) for axis in range(shown)]
    facts = []
    name = "z" if dimensions == 2 else "value"
    if any(isinstance(value, complex) for value in data.values()):
        name = f"Re {name}"
    elif values and len(values[0]) > 1:
        facts.append(("components", f"{len(values[0])}, the first is drawn"))
        name = f"{name}[0]"
    drawn = {"npoints": len(data), "facts": as_facts(facts)}
    xs = [[column[i] for i in kept] for column in columns]
    height = [finite(heights[i]) for i in kept]
    if dimensions == 2:
        x, y = xs
        return {
            "kind": "surface", **drawn, "x": x, "y": y, "z": height,
            "xLabel": "x", "yLabel": "y", "zLabel": name, "bounds": ends,
        }  # fmt: skip
    return {
        "kind": "points", **drawn, "x": xs, "value": height,
        "labels": labels[:shown], "valueLabel": name, "bounds": ends,
    }  # fmt: skip


def histogram(values: Sequence[Any], mean: float | None, error: float | None) -> Preview:
    """Draw samples of a random variable, with their mean and its standard error."""
    numbers = [y[0] for y in map(components, values) if y and math.isfinite(y[0])]
    low, high = interval(None, numbers)
    bins = max(5, min(MAX_BINS, math.isqrt(len(numbers))))
    counts = [0] * bins
    for number in numbers:
        counts[min(bins - 1, int((number - low) / (high - low) * bins))] += 1
    facts = [] if mean is None else [("mean", with_error(mean, error))]
    return {
        "kind": "histogram",
        "npoints": len(values),
        "facts": as_facts(facts),
        "edges": [low + (high - low) * i / bins for i in range(bins + 1)],
        "counts": counts,
        "xLabel": "value",
        "mean": finite(mean),
        "standardError": finite(error),
    }


def sequence(data: Mapping[int, Any], total: int, share: int = 1) -> Preview:
    """Draw the values of a sequence that are known, by their index."""
    indices = sorted(data)
    numbers = [number_of(data[index]) for index in indices]
    kept = thinning.of_curves([numbers], most(6, share))
    return {
        "kind": "sequence",
        "npoints": len(data),
        "facts": [],
        "index": [int(indices[i]) for i in kept],
        "values": [finite(numbers[i]) for i in kept],
        "texts": [short(data[indices[i]]) for i in kept],
        "total": total,
    }


def balancing(children: Sequence[tuple[str, Preview | None]], total: int, npoints: int) -> Preview:
    """Draw some of the `total` learners of a BalancingLearner, each with its label."""
    pictures = [{"label": label, "preview": drawn} for label, drawn in children]
    return {
        "kind": "balancing",
        "npoints": npoints,
        "facts": [],
        "children": pictures,
        "total": total,
    }


def components(y: Any) -> list[float]:
    """Give a value as numbers: two of a complex one, none of what is no number."""
    if isinstance(y, (str, bytes)):
        return []
    if isinstance(y, complex):
        return [y.real, y.imag]
    try:
        return [float(y)]
    except (TypeError, ValueError):
        pass
    try:
        return [number for value in y for number in components(value)]
    except TypeError:
        return []


def number_of(value: Any) -> float:
    """Give a number; NaN for what is none."""
    numbers = components(value)
    return numbers[0] if len(numbers) == 1 else math.nan


def finite(number: float | None) -> float | None:
    """Give a number as JSON knows it."""
    return number if number is not None and math.isfinite(number) else None


def interval(bounds: Sequence[float] | None, values: Sequence[float]) -> list[float]:
    """Give the ends of an axis: its bounds, else those of its values; never of no width."""
    if bounds:
        return [float(bounds[0]), float(bounds[1])]
    known = [value for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    return [low, high] if low < high else [low - 0.5, low + 0.5]


def most(columns: int, share: int) -> int:
    """How many points a picture with so many numbers for each may have."""
    return max(2 * columns + 2, min(MAX_POINTS, MAX_NUMBERS // columns) // share)


def with_error(value: float, error: float | None) -> str:
    """Write a number with its error."""
    if error is None or not math.isfinite(error):
        return f"{value:.6g}"
    digits = 0 if error <= 0 or value == 0 else math.ceil(math.log10(abs(value) / error))
    return f"{value:.{max(3, min(15, digits + 2))}g} ± {error:.1e}"


def as_facts(facts: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Give labels and texts as JSON."""
    return [{"label": label, "text": text} for label, text in facts]


def short(value: Any) -> str:
    """Write a value in a few words."""
    text = " ".join(repr(value.item() if getattr(value, "ndim", None) == 0 else value).split())
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
