"""What a learners file defines, as JSON: `python -m adaptive_scheduler.inspect FILE [FORMAT]`.

FORMAT is that of the data frames that are written beside the data, if any. To be run in the run
directory with the Python that the jobs will use. Prints one JSON object; what the file itself
prints goes to standard error. Exit code 2 comes with an `error`.
"""

from __future__ import annotations

import gc
import math
import os
import re
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from adaptive_scheduler import answer, packages
from adaptive_scheduler.counts import plural
from adaptive_scheduler.fnames import first_fault, normal
from adaptive_scheduler.kinds import bounds_of, type_of
from adaptive_scheduler.learners_file import LearnersFileError, Study, load
from adaptive_scheduler.versions import installed

#: What building all learners may cost before the other form of the file is recommended.
MAX_SECONDS = 5.0
MAX_MEGABYTES = 400.0

#: Tells whoever started this that the file, and not Python, is what ends it from here on.
READS = b"adaptive-scheduler: the learners file is read\n"

#: Longest text of a parameter that is not JSON, and deepest nesting.
MAX_REPR = 300
MAX_DEPTH = 20
#: Larger numbers are not exact in JavaScript.
MAX_INTEGER = 2**53


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what a learners file defines; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) not in (1, 2):
        print("usage: python -m adaptive_scheduler.inspect LEARNERS_FILE [FORMAT]", file=sys.stderr)
        return 64
    answer.redirect_prints()  # the file's own
    code = 0
    try:
        result = inspect(Path(arguments[0]), *arguments[1:])
    except LearnersFileError as error:
        place = {"file": error.file, "line": error.line}
        result = {
            "error": {
                "code": error.code,
                "message": error.message,
                **{key: value for key, value in place.items() if value is not None},
                "hint": error.hint,
            }
        }
        code = 2
    answer.give(result)
    return code


def inspect(path: Path, dataframe: str | None = None) -> dict[str, Any]:
    """Load a learners file and describe its learners.

    Parameters
    ----------
    path
        The file.
    dataframe
        Format of the data frames that are to be written beside the data, if any.

    Raises
    ------
    LearnersFileError
        When something is missing or does not fit.
    """
    _check_packages(path)
    import adaptive  # noqa: F401  that it takes time is not the file's fault

    started, before = time.perf_counter(), _peak_megabytes()
    os.write(2, READS)
    study = load(path)
    fnames = [study.fname(index) for index in range(len(study))]
    if found := first_fault(fnames, study.name_of_fname, dataframe):
        index, name, fault = found
        raise study.bad_fname(index, name, *fault)
    kinds = _kinds(study)
    if any("Learner2D" in kind for kind, _ in kinds) and (why := _why_no_learner2d()):
        versions = f"adaptive {metadata.version('adaptive')} and SciPy {metadata.version('scipy')}"
        raise study.error(
            "no-learner2d",
            f"A Learner2D fails with {versions}: {why}",
            "learners" if study.has_lists else "make_learner",
            f"{sys.executable} -m pip install --upgrade adaptive",
        )
    seconds, megabytes = time.perf_counter() - started, _peak_megabytes() - before
    return {
        "learners": [
            {"fname": _normal(fname), "combo": plain(combo), "type": kind, "bounds": bounds}
            for fname, combo, (kind, bounds) in zip(fnames, study.combos, kinds)
        ],
        "versions": installed(),
        "seconds": round(seconds, 3),
        "megabytes": round(megabytes, 1),
        "warnings": _warnings(study, kinds, seconds, megabytes),
        "noMpi": packages.why_no_mpi(),
    }


def plain(value: Any, depth: int = 0) -> Any:
    """Give a parameter as JSON: numbers of numpy as numbers, the rest as `{"$repr": "…"}`."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and depth < MAX_DEPTH:
        return [plain(item, depth + 1) for item in value]
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return {"$repr": _repr(value)}


def _repr(value: Any) -> str:
    try:
        # An address is another one in each process, and would make the combo look changed.
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
    except Exception:  # the user's own classes
        text = f"<{type(value).__name__}>"
    return text if len(text) <= MAX_REPR else f"{text[: MAX_REPR - 1]}…"


def _kinds(study: Study) -> list[tuple[str, Any]]:
    """Give type and bounds of each learner; one that is not built has the first one's type."""
    if study.has_lists:
        learners = (study.learner(index) for index in range(len(study)))
        return [(type_of(learner), bounds_of(learner)) for learner in learners]
    first = study.learner(0)
    kind = type_of(first)
    return [(kind, bounds_of(first)), *[(kind, None)] * (len(study) - 1)]


def _why_no_learner2d() -> str | None:
    """Say why a Learner2D cannot choose a point; adaptive before 1.4 needs what SciPy 1.17 lost."""
    import adaptive

    learner = adaptive.Learner2D(sum, [(0, 1), (0, 1)])
    try:
        adaptive.runner.simple(learner, npoints_goal=5)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _warnings(
    study: Study, kinds: Sequence[tuple[str, Any]], seconds: float, megabytes: float
) -> list[str]:
    warnings = []
    if study.has_lists and (seconds > MAX_SECONDS or megabytes > MAX_MEGABYTES):
        warnings.append(
            f"Building {plural(len(study), 'learner')} of {study.path} took {seconds:.1f} s and "
            f"{megabytes:.0f} MB, and each job does it again. Define `combos`, `fname(combo)` and "
            "`make_learner(combo)` instead of the lists `learners` and `fnames`, so that a job "
            "builds only its own."
        )
    if any(re.match(r"BalancingLearner\(.*SequenceLearner", kind) for kind, _ in kinds):
        warnings.append(
            "A BalancingLearner fails as soon as one of its SequenceLearners is at its end: a fault"
            " of adaptive. Make each sequence a learner of its own."
        )
    return warnings


def _check_packages(path: Path) -> None:
    if fault := packages.fault():
        raise LearnersFileError(fault["code"], fault["message"], str(path), hint=fault["hint"])


def _normal(fname: Any) -> Any:
    return normal(fname)[0] if isinstance(fname, str) else normal(fname)


def _peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    gc.disable()  # it would search 100 000 learners again and again
    code = main()
    with suppress(ValueError, OSError):  # closed by the file
        sys.stderr.flush()
    os._exit(code)  # freeing them takes seconds
