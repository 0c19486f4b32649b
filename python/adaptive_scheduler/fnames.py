"""Names of data files: how they are compared, and which are refused."""

from __future__ import annotations

import codecs
import functools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from adaptive_scheduler import revision

MAX_BYTES = 200

#: Folders of the scheduler and of other tools, in a study or any below it.
RESERVED = re.compile(r"\.(adaptive(-.*)?|git|hg|svn|vscode|idea|ssh)")
#: What of a file is read to tell data from text.
BEGINNING = 1024


class Fault(NamedTuple):
    """What is wrong with a name, and what to do."""

    what: str
    hint: str


def as_text(fname: Any) -> Any:
    """Give file name(s) as strings: paths are names too. What is no name stays for `fault_of`."""
    if isinstance(fname, str):
        return fname
    if isinstance(fname, os.PathLike):
        return os.fsdecode(fname)
    return list(map(as_text, fname)) if isinstance(fname, (list, tuple)) else fname


def normal(fname: Any) -> list[str]:
    """Give file name(s) in the form in which they are compared: relative to the run directory."""
    fname = as_text(fname)
    here = os.getcwd()
    names = [fname] if isinstance(fname, str) else fname
    return [_place(name, here) or os.path.normpath(name) for name in names]


def first_fault(
    fnames: Iterable[Any], place: Callable[[int], str], dataframe: str | None = None
) -> tuple[int, Any, Fault] | None:
    """Find the first learner without files of its own below the working directory.

    Parameters
    ----------
    fnames
        Of all learners.
    place
        Words for where the file name of a learner is.
    dataframe
        Format of the data frames that are written beside the files, if any.

    Returns
    -------
    Its index, the name, and its fault; or None.
    """
    here = os.getcwd()
    owners: dict[str, tuple[int, Any]] = {}
    for index, fname in enumerate(fnames):
        for name in fname if isinstance(fname, (list, tuple)) and fname else [fname]:
            fault = fault_of(name, dataframe)
            if fault is None:
                file = _file(_place(name, here) or name, here)
                if file not in owners:
                    owners[file] = (index, name)
                    continue
                what = f"is also {place(owners[file][0])}"
                fault = Fault(what, "Give each learner its own file.")
            return index, name, fault
    for folder in {os.path.dirname(file) for file in owners}:
        for path in [*_folders_in(folder), *_parents(folder)]:
            if path in owners:
                what = "is a folder, or has to be one for another file"
                return (*owners[path], Fault(what, "Give the learner another file name."))
    return None


def fault_of(name: Any, dataframe: str | None = None) -> Fault | None:
    """Say what is wrong with the name of a data file, and of the data frame beside it; or None."""
    if not isinstance(name, str):
        return Fault("is not a string", "Name a file; for a BalancingLearner a list of them.")
    if not name:
        return Fault("is empty", "Name a file.")
    if not name.isprintable():
        if "\0" in name or "\n" in name:
            return Fault("contains NUL or a newline", "Leave that character out.")
        try:
            name.encode()
        except UnicodeEncodeError:
            what = (
                "contains a byte that is no text (a surrogate), which no file of the run can hold"
            )
            return Fault(what, "Name it in Unicode, best of all in ASCII.")
        if any(unicodedata.category(letter) == "Cc" for letter in name):
            return Fault("contains a control character", "Leave that character out.")
    if len(name) > MAX_BYTES // 4 and len(os.fsencode(name)) > MAX_BYTES:
        return Fault(f"is longer than {MAX_BYTES} bytes", "Name it shorter.")
    here = os.getcwd()
    home = os.path.expanduser(name)
    if name[0] == "~" and home == name:
        return Fault("begins with ~, but there is no such user here", "Leave the ~ out.")
    place = _place(name, here)
    if not place:
        what = f"is not a file in the run directory {here}"
        if name[0] == "~":
            what = f"is {home}, which {what}"
        return Fault(what, "Name a file below it, relative to the run directory.")
    folder, _, base = place.rpartition("/")
    if found := _no_folder(folder, here):
        return Fault(f"lies in {found}", "Remove or rename that, or name a file in another folder.")
    if why := _why_not_in(folder, here):
        return Fault(why, "Name a file in another folder, e.g. in data/.")
    for file in [base, *([f"{base}.{dataframe}"] if dataframe else [])]:
        if why := _why_not(file, folder, here):
            if file == base:
                return Fault(why, "Give the learner a file of its own, e.g. in data/.")
            return Fault(
                f"would have its data frame in {file}, which {why}",
                "Give the learner another file name, or set dataframe to null.",
            )
    return None


def _place(name: str, here: str) -> str | None:
    """Give a file relative to the run directory, however it is named; None when it is not in it."""
    folder, slash, base = name.rpartition("/")
    if base in ("", ".", "..") or name[0] == "~":
        # Not `abspath` for each of 100 000 names: it takes microseconds.
        folder, slash, base = os.path.abspath(os.path.expanduser(name)).rpartition("/")
    inside = _folder(folder or slash, here)
    return None if inside is None else f"{inside}/{base}" if inside else base


@functools.lru_cache(maxsize=10_000)
def _folder(folder: str, here: str) -> str | None:
    """Give a folder relative to the run directory, by whatever name it is known."""
    path = os.path.normpath(os.path.join(here, folder))
    rest: list[str] = []
    while True:
        if path == here or _is_same(path, here):
            return "/".join(reversed(rest))
        parent, name = os.path.split(path)
        if parent == path:
            break
        rest.append(name)
        path = parent
    # By the name of what a link in the run directory leads to.
    real = os.path.realpath(os.path.join(here, folder))
    for entry in sorted(os.listdir(here)):
        link = os.path.join(here, entry)
        if os.path.islink(link):
            target = os.path.realpath(link)
            if real == target or real.startswith(f"{target}/"):
                return entry + real[len(target) :]
    return None


@functools.lru_cache(maxsize=10_000)
def _why_not_in(folder: str, here: str) -> str | None:
    """Say why no data may lie in a folder of the run directory, or None."""
    for path in (folder, _real(folder, here)):
        for name in path.casefold().split("/"):
            if RESERVED.fullmatch(name):
                return f"lies in {name}, where the scheduler or another tool keeps its own files"
    return None


@functools.lru_cache(maxsize=10_000)
def _no_folder(folder: str, here: str) -> str | None:
    """Say what stands where a folder of the run directory has to be made, or None."""
    if not folder:
        return None
    if found := _no_folder(os.path.dirname(folder), here):
        return found
    path = os.path.join(here, folder)
    if not os.path.lexists(path) or os.path.isdir(path):
        return None
    is_link = os.path.islink(path) and not os.path.exists(path)
    return f"{folder}, which is {'a link to nowhere' if is_link else 'a file'}"


def _why_not(file: str, folder: str, here: str) -> str | None:
    """Say why no data may be written to a file of some folder, or None."""
    name = file.casefold()
    if name.startswith("."):
        return "begins with a dot, as files of settings do"
    if name.endswith((".py", ".pyc", ".ipynb")):
        return "is a name of source code"
    real = _real(folder, here)
    code = _code()
    if (f"{real}/{name}" if real else name) in code.files or (not real and name == "adaptive.json"):
        return "is a file of the study"
    # Not where nothing but data lies: there may be 100 000 files.
    if real in code.folders and _is_text(os.path.join(here, folder, file)):
        return "is there already, and holds text, not the data of a learner"
    return None


def _real(folder: str, here: str) -> str:
    """Give where links lead to, in small letters; relative to the run directory if inside."""
    real, root = _resolved(folder, here), _resolved("", here)
    inside = real[len(root) + 1 :] if real.startswith(f"{root}/") else real
    return "" if real == root else inside.casefold()


@functools.lru_cache(maxsize=10_000)
def _resolved(folder: str, here: str) -> str:
    return os.path.realpath(os.path.join(here, folder))


class _Code(NamedTuple):
    files: set[str]
    folders: set[str]


@functools.cache
def _code() -> _Code:
    files = {name.casefold() for name in revision.files()}
    return _Code(files, {"", *map(os.path.dirname, files)})


def _is_text(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            beginning = file.read(BEGINNING)
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except (OSError, UnicodeDecodeError):
        return False
    return text != "" and "\0" not in text


def _file(place: str, here: str) -> str:
    """Give the file itself: two names that give the same are one file on this disk."""
    folder, _, base = place.rpartition("/")
    path = f"{_resolved(folder, here)}/{base}"
    return unicodedata.normalize("NFC", path).casefold() if _ignores_case(here) else path


@functools.cache
def _ignores_case(here: str) -> bool:
    names = os.listdir(here)
    other = next((name.swapcase() for name in names if name.swapcase() not in names), None)
    return other is not None and os.path.exists(os.path.join(here, other))


def _folders_in(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [f"{folder}/{entry.name}" for entry in entries if entry.is_dir()]
    except OSError:
        return []


def _parents(folder: str) -> list[str]:
    return [folder, *(_parents(parent) if (parent := os.path.dirname(folder)) != folder else [])]


def _is_same(path: str, here: str) -> bool:
    try:
        return os.path.samefile(path, here)
    except OSError:
        return False
