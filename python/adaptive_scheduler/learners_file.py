"""A learners file, loaded and checked.

It defines either the lists `learners`, `fnames` and, if it likes, `combos`; or, for large studies,
the list `combos` and the functions `fname(combo)` and `make_learner(combo)`.

Nothing but the standard library is imported here: what is missing is for `inspect` to say.
"""

from __future__ import annotations

import ast
import difflib
import gc
import importlib.machinery
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from adaptive_scheduler import other_package, revision
from adaptive_scheduler.fnames import as_text, fault_of, normal
from adaptive_scheduler.kinds import class_of, misfit


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

    def __str__(self) -> str:
        return f"{self.fault} {self.hint}".rstrip()

    @property
    def fault(self) -> str:
        """What is wrong and where, without what to do."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.message}"


#: What to write where something is no list.
HOW_LISTED = {
    "learners": "Write a list, of one learner too: learners = [learner].",
    "fnames": 'Write a list, of one name too: fnames = ["data/one.pickle"].',
    "combos": "Write a list with a dict of parameters for each learner, as "
    "adaptive.utils.named_product(a=[1, 2], b=[3, 4]) gives it.",
}


def load(path: Path) -> Study:
    """Run a learners file and check what it defines.

    Its folder comes first on `sys.path`, and the module is named as if a script had imported it. A
    file of a revision is seen at its place in the study (`revision.py`).

    Raises
    ------
    LearnersFileError
        When it does not define what it should.
    """
    place = revision.shown(path)
    return Study(_run(path, place), place)


class Study:
    """What a learners file defines.

    Parameters
    ----------
    module
        The file as a module.
    path
        As errors name it.

    Attributes
    ----------
    combos
        A dict for each learner; empty dicts when the file defines none.
    has_lists
        Whether the file builds all learners, and not one when asked.
    goal
        The file's function `goal(learner)`, or None.

    Raises
    ------
    LearnersFileError
        When something is missing or of the wrong kind.
    """

    def __init__(self, module: ModuleType, path: Path) -> None:
        self.module = module
        self.path = path
        self.has_lists = not hasattr(module, "make_learner")
        if not self.has_lists and hasattr(module, "learners"):
            raise self.error(
                "two-forms",
                "The file defines both `learners` and `make_learner`.",
                "make_learner",
                "Keep the lists `learners` and `fnames`, or `combos`, `fname(combo)` and "
                "`make_learner(combo)`; give the other one another name.",
            )
        if self.has_lists:
            self._check_lists()
        else:
            self._check_functions()
        self.goal: Callable[[Any], bool] | None = getattr(module, "goal", None)
        if self.goal is not None and not callable(self.goal):
            setting = '{"loss": 0.01}' if isinstance(self.goal, float) else '{"npoints": 100}'
            raise self.error(
                "bad-goal",
                f"`goal` is {self.goal!r:.200}, not a function.",
                "goal",
                "Define `def goal(learner): return learner.npoints >= 100`; or leave it out, and "
                f'write "goal": {setting} in adaptive.json.',
            )
        if self.goal is not None and not _takes_one(self.goal):
            raise self.error(
                "bad-goal",
                f"`goal{inspect.signature(self.goal)}` cannot be called with one learner.",
                "goal",
                "Define `def goal(learner): return learner.npoints >= 100`.",
            )
        self._index: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self.combos)

    def fname(self, index: int) -> Any:
        """Give the file name(s) of a learner, paths as strings.

        Raises
        ------
        LearnersFileError
            When the file's `fname` raises.
        """
        return as_text(self.module.fnames[index] if self.has_lists else self._call("fname", index))

    def learner(self, index: int) -> Any:
        """Give a learner; one of the lists, or a new one.

        Raises
        ------
        LearnersFileError
            When it is not a learner, does not fit its file names, or cannot be made.
        """
        name = f"learners[{index}]" if self.has_lists else f"make_learner(combos[{index}])"
        what = "learners" if self.has_lists else "make_learner"
        learner = self.module.learners[index] if self.has_lists else self._call(what, index)
        if not class_of(learner):
            verb = "is" if self.has_lists else "returned"
            found = "None" if learner is None else f"a {type(learner).__name__}"
            raise self.error(
                "not-a-learner",
                f"{name} {verb} {found}, not a learner of adaptive.",
                what,
                "Give learners, e.g. adaptive.Learner1D(f, bounds=(-1, 1)).",
            )
        fname = self.fname(index)
        if why := misfit(learner, fname):
            raise self.error(
                "bad-fname",
                f"{self.name_of_fname(index)} {why}.",
                "fnames" if self.has_lists else "fname",
                "Give each learner its own files.",
            )
        return learner

    def check_fname(self, index: int) -> None:
        """Make sure that the data of a learner goes to a file that may hold it.

        Raises
        ------
        LearnersFileError
            When it may not.
        """
        fname = self.fname(index)
        for name in [fname] if isinstance(fname, str) else fname:
            if fault := fault_of(name):
                raise self.bad_fname(index, name, *fault)

    def bad_fname(self, index: int, name: Any, what: str, hint: str) -> LearnersFileError:
        """Make the error for a file name of a learner."""
        words = f"{self.name_of_fname(index)} = {name!r} {what}."
        return self.error("bad-fname", words, "fnames" if self.has_lists else "fname", hint)

    def find(self, fname: Any, index: int) -> int | None:
        """Find the learner with some file name(s), which is most often the one at `index`."""
        wanted = _key(fname)
        if index < len(self) and _key(self.fname(index)) == wanted:
            return index
        if self._index is None:
            self._index = {_key(self.fname(i)): i for i in range(len(self))}
        return self._index.get(wanted)

    def forget(self, index: int) -> None:
        """Free the data of a learner that ended: a job may run thousands."""
        if self.has_lists:
            self.module.learners[index] = self.module.learners[index].new()

    def name_of_fname(self, index: int) -> str:
        """Name the place of a learner's file name, for a person."""
        return f"fnames[{index}]" if self.has_lists else f"fname(combos[{index}])"

    def error(self, code: str, message: str, name: str, hint: str) -> LearnersFileError:
        """Make an error that points to where the file defines a name."""
        return LearnersFileError(code, message, str(self.path), line_of(self.path, name), hint)

    def _check_lists(self) -> None:
        self._check_list("learners", "or, for a large study, a function `make_learner(combo)`")
        self._check_list("fnames")
        if getattr(self.module, "combos", None) is not None:
            self._check_list("combos")
        learners = self.module.learners
        combos = getattr(self.module, "combos", None)
        self.combos: Sequence[Any] = [{} for _ in learners] if combos is None else combos
        for name, values in (("fnames", self.module.fnames), ("combos", self.combos)):
            if len(values) != len(learners):
                raise self.error(
                    "different-lengths",
                    f"There are {len(learners)} `learners`, but {len(values)} `{name}`.",
                    name,
                    f"Give each learner one entry of `{name}`.",
                )
        if not learners:
            raise self.error(
                "no-learners", "The list `learners` is empty.", "learners", "Add a learner."
            )
        self._check_combos()

    def _check_functions(self) -> None:
        self._check_list("combos")
        self.combos = self.module.combos
        for name in ("fname", "make_learner"):
            function = getattr(self.module, name, None)
            if not callable(function):
                found = "is missing" if function is None else f"is {function!r}, not a function"
                raise self.error(
                    f"no-{name.replace('_', '-')}",
                    f"`{name}` {found}.",
                    name,
                    f"Define `def {name}(combo):` beside `combos`.",
                )
            if not _takes_one(function):
                raise self.error(
                    f"bad-{name.replace('_', '-')}",
                    f"`{name}{inspect.signature(function)}` cannot be called with one combo.",
                    name,
                    f"Define `def {name}(combo):`, where combo is an entry of `combos`.",
                )
        if not self.combos:
            raise self.error("no-learners", "The list `combos` is empty.", "combos", "Add one.")
        self._check_combos()

    def _check_list(self, name: str, other: str = "") -> None:
        value = getattr(self.module, name, None)
        if isinstance(value, list):
            return
        if value is None:
            alike = difflib.get_close_matches(name, vars(self.module), 1)
            raise self.error(
                f"no-{name}",
                f"The file does not define a list `{name}`.",
                name,
                f"Define `{name}` at the top level of the file{other and ', '}{other}."
                + "".join(f" It has `{found}`: is that meant?" for found in alike),
            )
        words = f"`{name}` is a {type(value).__name__}, not a list"
        if isinstance(value, (set, frozenset)):
            words += ", and has another order each time"
        raise self.error(f"no-{name}", f"{words}.", name, HOW_LISTED[name])

    def _check_combos(self) -> None:
        for index, combo in enumerate(self.combos):
            if not isinstance(combo, dict):
                raise self.error(
                    "bad-combo",
                    f"combos[{index}] is {combo!r}, not a dict.",
                    "combos",
                    "Describe each learner by a dict of its parameters.",
                )

    def _call(self, name: str, index: int) -> Any:
        try:
            return getattr(self.module, name)(self.combos[index])
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            file, line = _where(error, self.path)
            raise LearnersFileError(
                f"{name.replace('_', '-')}-raised",
                f"{name}(combos[{index}]) raised {type(error).__name__}: {error}",
                file,
                line or line_of(self.path, name),
                f"combos[{index}] is {self.combos[index]!r:.200}.",
            ) from error


def line_of(path: Path, name: str) -> int | None:
    """Line in which a file last defines a name, or None."""
    try:
        tree = ast.parse(revision.source(path).read_bytes())
    except OSError:
        return None
    lines = [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store))
        or (isinstance(node, ast.FunctionDef) and node.name == name)
    ]
    return max(lines, default=None)


def _key(fname: Any) -> str:
    # A text, since many tuples would have the collector search all learners again and again.
    return "\0".join(normal(fname))


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind({})
    except TypeError:
        return False
    except ValueError:  # one without a signature, as some of C's are
        return True
    return True


def _run(file: Path, path: Path) -> ModuleType:
    name = path.stem
    sys.path.insert(0, str(path.parent.absolute()))
    spec = revision.spec_of(name, path)
    if not file.is_file() or spec is None or spec.loader is None:
        raise LearnersFileError(
            "no-learners-file", "The file is not there, or not a .py file.", str(path),
            hint="Name a .py file: --learners FILE; in the editor, adaptive.learnersFiles.",
        )  # fmt: skip
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    was_enabled = gc.isenabled()
    gc.disable()  # it would search all learners again and again while they are built
    try:
        spec.loader.exec_module(module)
        for listed in HOW_LISTED:  # here, for what a generator raises
            if hasattr(module, listed):
                setattr(module, listed, _as_list(getattr(module, listed)))
    except SyntaxError as error:
        raise LearnersFileError(
            "learners-file-syntax",
            f"SyntaxError: {error.msg}",
            _shown(error.filename, path),
            error.lineno,
            "Correct it and start again; nothing was changed.",
        ) from error
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        where, line = _where(error, path)
        if hidden := _hidden_by(error, path.parent.absolute()):
            raise LearnersFileError(
                "module-hidden",
                f"{type(error).__name__}: {error}",
                where,
                line,
                f"Rename {hidden}: it hides the module that Python or a package has.",
            ) from error
        raise LearnersFileError(
            "module-missing" if isinstance(error, ModuleNotFoundError) else "learners-file-raised",
            f"{type(error).__name__}: {error}",
            where,
            line,
            _hint(error),
        ) from error
    finally:
        if was_enabled:
            gc.enable()
    return module


def _as_list(value: Any) -> Any:
    """Give as a list what can only mean one: a tuple, generator, array, column or table of rows."""
    if isinstance(value, (list, str, bytes, Mapping, set, frozenset)):
        return value
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict("records")
    if hasattr(value, "tolist"):  # numbers and texts of Python
        return value.tolist()
    # Not what is iterable without meaning to be a list, as classes with `__getitem__` are.
    return list(value) if isinstance(value, Iterable) and not class_of(value) else value


def _where(error: BaseException, path: Path) -> tuple[str, int | None]:
    """Find the innermost place in the study's own folder."""
    folder = path.parent.absolute()
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
    return str(path) if file is None or Path(file) == path.absolute() else file


def _hidden_by(error: BaseException, folder: Path) -> Path | None:
    """Find the file of a study that an error comes of because it hides a module of Python's."""
    module = getattr(error, "obj", None)  # of an AttributeError
    if isinstance(error, ImportError) and error.name:
        module = sys.modules.get(error.name.split(".")[0])
    file = getattr(module, "__file__", None)
    if not isinstance(module, ModuleType) or not file:
        return None
    places = [place for place in sys.path if place and Path(place).absolute() != folder]
    own = Path(file)
    own = own.parent if own.stem == "__init__" else own
    found = importlib.machinery.PathFinder.find_spec(module.__name__, places)
    if revision.shown(own).parent != folder or found is None or found.origin == file:
        return None
    return revision.shown(Path(file))


def _hint(error: BaseException) -> str:
    if other_package.WORDS in str(error):
        return "Then start again."
    if isinstance(error, ModuleNotFoundError):
        return (
            f"Install what provides {error.name!r} for {sys.executable}, or choose another Python."
        )
    return "Run the file with Python to see the whole traceback."
