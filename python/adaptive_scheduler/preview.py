"""A learner's data, thinned for drawing.

`python -m adaptive_scheduler.preview FILE… --type TYPE [--bounds JSON]` prints it for data files,
more than one for a BalancingLearner. It imports nothing that the files themselves do not need, so
that it answers at once.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Sequence
from typing import Any

from adaptive_scheduler import answer, datafile, drawn
from adaptive_scheduler.drawn import Bounds, Preview
from adaptive_scheduler.kinds import bounds_of, class_of, unwrapped

#: Learners of a BalancingLearner that are drawn.
MAX_CHILDREN = 16

Content = Any  # what the data file of a learner holds


def of_learner(learner: Any, fname: Any = None) -> Preview | None:
    """Give the preview of a learner; None when it is of a kind that is not drawn.

    Parameters
    ----------
    learner
        With its data.
    fname
        Its file name(s), which label the learners of a BalancingLearner.
    """
    learner = unwrapped(learner)
    if class_of(learner) != "BalancingLearner":
        return draw(class_of(learner), _content(learner), bounds_of(learner))
    children = [unwrapped(child) for child in learner.learners]
    shown = children[:MAX_CHILDREN]
    share = len(shown)
    labels = fname if isinstance(fname, (list, tuple)) else range(len(children))
    pictures = [
        (str(label), draw(class_of(child), _content(child), bounds_of(child), share))
        for label, child in zip(labels, shown)
    ]
    return drawn.balancing(pictures, len(children), int(learner.npoints))


def of_files(files: Sequence[str], kind: str, bounds: Bounds = None) -> Preview | None:
    """Give the preview of data files; None when they are of a kind that is not drawn.

    Parameters
    ----------
    files
        One; of a BalancingLearner one for each of its learners.
    kind
        The type, with that of what it wraps, e.g. `DataSaver(Learner2D)`.
    bounds
        Ends of the domain, for each dimension.

    Raises
    ------
    Exception
        What loading them raises.
    """
    nested = re.fullmatch(r"BalancingLearner\((.*)\)", kind)
    if nested is None:
        return draw(*_inner(kind, datafile.load(files[0])), bounds)
    shown = files[:MAX_CHILDREN]
    pictures: list[tuple[str, Preview | None]] = []
    npoints = 0
    for number, file in enumerate(files):
        try:
            content = datafile.load(file)
        except FileNotFoundError:  # nothing of it is saved yet
            picture = None
        else:
            picture = draw(*_inner(nested[1], content), bounds, len(shown))
            npoints += picture["npoints"] if picture else 0
        if number < len(shown):
            pictures.append((file, picture))
    if npoints == 0 and not any(picture for _, picture in pictures):
        raise FileNotFoundError(files[0])
    return drawn.balancing(pictures, len(files), npoints)


def draw(kind: str, content: Content, bounds: Bounds, share: int = 1) -> Preview | None:
    """Draw what the data file of a learner holds.

    Parameters
    ----------
    kind
        Name of the learner's class.
    content
        Of the file, or the like of it.
    bounds
        Ends of the domain, for each dimension.
    share
        How many pictures share a message.
    """
    if kind == "Learner1D":
        return drawn.line(content, bounds, share)
    if kind == "AverageLearner1D":
        return _averages(content, bounds, share)
    if kind == "IntegratorLearner":
        return _integral(content, bounds, share)
    if kind == "Learner2D":
        return drawn.cloud(content, 2, bounds, share)
    if kind == "LearnerND":
        data, dimensions = content["data"], len(content["_bbox"])
        bounds = bounds or content["_bbox"]
        if dimensions == 1:
            return drawn.line({x: y for (x,), y in data.items()}, bounds, share)
        return drawn.cloud(data, dimensions, bounds, share)
    if kind == "AverageLearner":
        return _samples(content)
    if kind == "SequenceLearner":
        last = max(content, default=-1)
        return drawn.sequence(content, int(bounds[0][1] if bounds else last) + 1, share)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the preview of files as JSON; returns the exit code."""
    parser = argparse.ArgumentParser("adaptive_scheduler.preview", description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--type", required=True, help="as inspect names it, e.g. Learner1D")
    parser.add_argument("--bounds", type=json.loads, help="as inspect gives them")
    options = parser.parse_args(arguments)
    try:
        preview = of_files(options.files, options.type, options.bounds)
    except FileNotFoundError:
        return _fail("no-data", f"{options.files[0]} is not there: nothing is saved yet.")
    except Exception as error:
        return _fail("unreadable", f"{options.files[0]}: {type(error).__name__}: {error}")
    if preview is None:
        return _fail("no-preview", f"A {options.type} is not drawn.")
    answer.give(preview)
    return 0


def _content(learner: Any) -> Content:
    """Give what a data file would hold, without copying it."""
    kind = class_of(learner)
    if kind == "LearnerND":
        return vars(learner)
    if kind == "IntegratorLearner":
        return (None, learner.data, None, None, None, None, learner.first_ival)
    return learner._get_data()


def _inner(kind: str, content: Content) -> tuple[str, Content]:
    """Give type and content inside of DataSavers, which keep what else was returned beside it."""
    while nested := re.fullmatch(r"DataSaver\((.*)\)", kind):
        kind, content = nested[1], content[0]
    return kind, content


def _averages(content: Content, bounds: Bounds, share: int) -> Preview:
    means = {x: sum(samples.values()) / len(samples) for x, samples in content.items()}

    def error_of(x: float) -> float:
        samples, mean = content[x].values(), means[x]
        if len(samples) < 2:
            return math.nan
        squares = sum((y - mean) ** 2 for y in samples)
        return math.sqrt(squares / (len(samples) - 1) / len(samples))

    count = sum(map(len, content.values()))
    return drawn.line(means, bounds, share, error_of, [("samples", str(count))])


def _integral(content: Content, bounds: Bounds, share: int) -> Preview:
    data, first = content[1], content[6]
    facts = []
    if first.done_leaves:
        integral = sum(part.igral for part in first.done_leaves)
        error = sum(part.err for part in first.done_leaves)
        facts.append(("integral", drawn.with_error(float(integral), float(error))))
    return drawn.line(data, bounds or [(first.a, first.b)], share, facts=facts)


def _samples(content: Content) -> Preview:
    data, count, total, squares = content
    mean = total / count if count else None
    error = None
    if mean is not None and count > 1:
        error = math.sqrt(max(0.0, float(squares - count * mean**2)) / (count - 1) / count)
    return drawn.histogram(list(data.values()), mean and float(mean), error)


def _fail(code: str, message: str) -> int:
    answer.give({"error": {"code": code, "message": message}})
    return 2


if __name__ == "__main__":
    answer.redirect_prints()  # those of what the files hold
    sys.exit(main())
