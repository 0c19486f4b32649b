"""A learners file: `learners`, `fnames` and `combos`, loaded and checked.

Nothing but the standard library is imported here: what is missing is for `inspect` to say.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

MAX_FNAME_BYTES = 200


@dataclass
class LearnersFileError(Exception):
    """What is wrong with a learners file, and what to do.

    Attributes
    ----------
    code, message, hint
        For a program, and for a person.
    file, line
        Where; the line is None when the fault is not in one.
    """

    code: str
    message: str
    file: str
    line: int | None = None
    hint: str = ""


@dataclass(frozen=True)
class Study:
    """The lists of a learners file, of equal length.

    Attributes
    ----------
    module
        The file as a module.
    learners, fnames, combos
        As the file defines them; empty combos when it defines none.
    """

    module: ModuleType
    learners: Sequence[Any]
    fnames: Sequence[Any]
    combos: Sequence[Any]


def load(path: Path) -> Study:
    """Run a learners file and check its lists.

    Its folder comes first on `sys.path`, and the module is named as if a script had imported it.

    Raises
    ------
    LearnersFileError
        When it does not define what it should.
    """
    module = _run(path)

    def fail(code: str, message: str, name: str, hint: str) -> LearnersFileError:
        return LearnersFileError(code, message, str(path), line_of(path, name), hint)

    for name in ("learners", "fnames"):
        if not isinstance(getattr(module, name, None), (list, tuple)):
            raise fail(
                f"no-{name}",
                f"The file does not define a list `{name}`.",
                name,
                f"Define `{name}` at the top level of the file.",
            )
    learners, fnames = module.learners, module.fnames
    combos = getattr(module, "combos", None)
    combos = [{} for _ in learners] if combos is None else combos
    for name, values in (("fnames", fnames), ("combos", combos)):
        if len(values) != len(learners):
            raise fail(
                "different-lengths",
                f"There are {len(learners)} `learners`, but {len(values)} `{name}`.",
                name,
                f"Give each learner one entry of `{name}`.",
            )
    if not learners:
        raise fail("no-learners", "The list `learners` is empty.", "learners", "Add a learner.")
    for index, combo in enumerate(combos):
        if not isinstance(combo, dict):
            raise fail(
                "bad-combo",
                f"combos[{index}] is {combo!r}, not a dict.",
                "combos",
                "Describe each learner by a dict of its parameters.",
            )
    return Study(module, learners, fnames, combos)


def check_fnames(study: Study, path: Path) -> None:
    """Check that each learner has files of its own, in the run directory (the working directory).

    Raises
    ------
    LearnersFileError
        Naming the first one that does not fit.
    """
    owner: dict[str, int] = {}
    for index, fname in enumerate(study.fnames):
        names = [fname] if isinstance(fname, str) else fname
        if not isinstance(names, (list, tuple)) or not names:
            names = [None]
        for name in names:
            fault = _fault(name)
            if fault is None and (first := owner.get(os.path.normpath(name))) is not None:
                fault = "bad-fname", f"is also fnames[{first}]", "Give each learner its own file."
            if fault:
                code, what, hint = fault
                message = f"fnames[{index}] = {name!r} {what}."
                raise LearnersFileError(code, message, str(path), line_of(path, "fnames"), hint)
            owner[os.path.normpath(name)] = index


def line_of(path: Path, name: str) -> int | None:
    """Line in which a file last assigns a name, or None."""
    lines = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
    ]
    return max(lines, default=None)


def _run(path: Path) -> ModuleType:
    name = path.stem
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if not path.is_file() or spec is None or spec.loader is None:
        raise LearnersFileError(
            "no-learners-file", "The file is not there, or not a .py file.", str(path),
            hint="Name the file in the setting adaptive.learnersFiles.",
        )  # fmt: skip
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise LearnersFileError(
            "learners-file-syntax",
            f"SyntaxError: {error.msg}",
            _shown(error.filename, path),
            error.lineno,
            "Correct it and start again; nothing was changed.",
        ) from error
    except (Exception, SystemExit) as error:
        file, line = _where(error, path)
        raise LearnersFileError(
            "learners-file-raised",
            f"{type(error).__name__}: {error}",
            file,
            line,
            _hint(error),
        ) from error
    return module


def _where(error: BaseException, path: Path) -> tuple[str, int | None]:
    """Find the innermost place in the study's own folder."""
    folder = path.parent.resolve()
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if folder in Path(frame.filename).parents and "site-packages" not in frame.filename
    ]
    if not own:
        return str(path), None
    return _shown(own[-1].filename, path), own[-1].lineno


def _shown(file: str | None, path: Path) -> str:
    """Name a file; the learners file as it was named to us."""
    return str(path) if file is None or Path(file) == path.resolve() else file


def _hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return (
            f"Install what provides {error.name!r} for {sys.executable}, or choose another Python."
        )
    return "Run the file with Python to see the whole traceback."


def _fault(name: Any) -> tuple[str, str, str] | None:
    """Say what is wrong with a file name: a code, the words, and what to do."""
    if not isinstance(name, str):
        return "bad-fname", "is not a string", "Name a file; for a BalancingLearner a list of them."
    if not name:
        return "bad-fname", "is empty", "Name a file."
    if "\0" in name or "\n" in name:
        return "bad-fname", "contains NUL or a newline", "Leave that character out."
    if len(os.fsencode(name)) > MAX_FNAME_BYTES:
        return "bad-fname", f"is longer than {MAX_FNAME_BYTES} bytes", "Name it shorter."
    path = os.path.abspath(os.path.expanduser(name))
    if os.path.commonpath([path, os.getcwd()]) != os.getcwd() or path == os.getcwd():
        hint = "Name a file below it, relative to the run directory."
        return "bad-fname", f"is not a file in the run directory {os.getcwd()}", hint
    return None
