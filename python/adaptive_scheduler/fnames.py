"""Names of data files: how they are compared, and which are refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

MAX_BYTES = 200


class Fault(NamedTuple):
    """What is wrong with a name, and what to do."""

    what: str
    hint: str


def normal(fname: Any) -> list[str]:
    """Give file name(s) in the form in which they are compared."""
    return [_normal(name) for name in ([fname] if isinstance(fname, str) else fname)]


def first_fault(
    fnames: Iterable[Any], place: Callable[[int], str]
) -> tuple[int, Any, Fault] | None:
    """Find the first learner without files of its own below the working directory.

    Parameters
    ----------
    fnames
        Of all learners.
    place
        Words for where the file name of a learner is.

    Returns
    -------
    Its index, the name, and its fault; or None.
    """
    owner: dict[str, int] = {}
    for index, fname in enumerate(fnames):
        names = fname if isinstance(fname, (list, tuple)) and fname else [fname]
        for name in names:
            fault = _fault(name)
            if fault is None:
                path = _normal(name)
                if path not in owner:
                    owner[path] = index
                    continue
                also = f"is also {place(owner[path])}"
                fault = Fault(also, "Give each learner its own file.")
            return index, name, fault
    return None


def _normal(name: str) -> str:
    # os.path.normpath takes a microsecond or two, for each of 100 000 names.
    is_plain = "//" not in name and "./" not in name and name[-1:] not in ("/", ".")
    return name if is_plain and name else os.path.normpath(name)


def _fault(name: Any) -> Fault | None:
    if not isinstance(name, str):
        return Fault("is not a string", "Name a file; for a BalancingLearner a list of them.")
    if not name:
        return Fault("is empty", "Name a file.")
    if "\0" in name or "\n" in name:
        return Fault("contains NUL or a newline", "Leave that character out.")
    if len(name) > MAX_BYTES // 4 and len(os.fsencode(name)) > MAX_BYTES:
        return Fault(f"is longer than {MAX_BYTES} bytes", "Name it shorter.")
    if name[0] in "/~." or "./" in name:
        here = os.getcwd()
        path = os.path.abspath(os.path.expanduser(name))
        if path == here or os.path.commonpath([path, here]) != here:
            what = f"is not a file in the run directory {here}"
            return Fault(what, "Name a file below it, relative to the run directory.")
    return None
