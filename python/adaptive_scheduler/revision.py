"""The study's code: read from the revision that a job runs, seen as lying in the study's folder.

Jobs keep the code that they were started with, a copy in the run's state folder. A study makes
paths of `__file__`, of its modules and of `sys.path`, above all those of its data: they must lead
to the study's folder, where they mean the same whatever the revision, and never to a place that is
the scheduler's. So a module's source comes from the revision, and its names are the study's.

The revision stands on PYTHONPATH, which every process of a job has: importing the package is
enough.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
import tokenize
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
    SourcelessFileLoader,
)
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

#: Tells processes that a job starts itself, whose PYTHONPATH names the study's folder instead.
VARIABLE = "ADAPTIVE_CODE_DIR"

#: A folder `code/<revision>` in a run's state folder.
REVISION = re.compile(r"(?P<study>.*)/\.adaptive(-[^/]*)?/code/[^/]+")


class Revision(NamedTuple):
    """Where the code of a study is read from, and where it is seen; real paths, and as named."""

    code: str
    study: str
    named: str


def install() -> None:
    """Have the study's modules found in the revision that the environment names, if any."""
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    code = next(filter(REVISION.fullmatch, map(os.path.abspath, filter(None, entries))), None)
    code = code or os.environ.get(VARIABLE)
    found = code and REVISION.fullmatch(code)
    if not code or not found:
        return
    revision = Revision(os.path.realpath(code), os.path.realpath(found["study"]), found["study"])
    os.environ[VARIABLE] = code

    def in_study(entry: str) -> str:
        return revision.named if entry and os.path.abspath(entry) == code else entry

    os.environ["PYTHONPATH"] = os.pathsep.join(map(in_study, entries))
    sys.path[:] = map(in_study, sys.path)
    if not _revisions:
        sys.path_hooks.insert(0, _Finder.of)
        linecache.updatecache = _lines  # what gives a traceback its lines
    _revisions[:] = [revision]
    sys.path_importer_cache.clear()


def shown(path: Path) -> Path:
    """Give the place in the study of a file of the revision; any other as it is."""
    if not _revisions:
        return path
    inside = _within(os.path.realpath(path), _revisions[0].code)
    return path if inside is None else Path(_revisions[0].named, inside)


def source(path: Path) -> Path:
    """Give the file of the revision that is seen at a place in the study; any other as it is."""
    if _revisions:
        revision = _revisions[0]
        inside = _within(str(path), revision.named)
        inside = _within(os.path.realpath(path), revision.study) if inside is None else inside
        if inside is not None and os.path.isfile(file := os.path.join(revision.code, inside)):
            return Path(file)
    return path


def spec_of(name: str, path: Path) -> ModuleSpec | None:
    """Give what imports a file as a module of some name; in the study, or in the revision."""
    file, place = source(path.absolute()), shown(path.absolute())
    loader = None if file == place else _Source(name, str(file))
    return spec_from_file_location(name, place, loader=loader)


def is_own(module: ModuleType) -> bool:
    """Whether a module's file is one of the revision's."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not _revisions:
        return False
    revision = _revisions[0]
    places = (_within(file, folder) for folder in (revision.named, revision.study))
    return any(place and os.path.isfile(os.path.join(revision.code, place)) for place in places)


def script_for(module: dict[str, Any]) -> CodeType:
    """Make a module look like the script that the job is to run; gives the script's code."""
    folder = Path(os.environ["ADAPTIVE_STATE_DIR"], "code", os.environ["ADAPTIVE_REVISION"])
    path = shown(folder / os.environ["ADAPTIVE_SCRIPT"])
    module["__file__"] = module["__spec__"].origin = sys.argv[0] = str(path)
    module["__package__"] = None
    sys.path[0] = str(path.parent)
    return compile(source(path).read_bytes(), str(path), "exec", dont_inherit=True)


def files() -> list[str]:
    """Name the files of the revision, relative to the study's folder."""
    if not _revisions:
        return []
    return [
        os.path.relpath(os.path.join(folder, name), _revisions[0].code)
        for folder, _, names in os.walk(_revisions[0].code)
        for name in names
    ]


class _Finder(FileFinder):
    """Finds the modules of a folder of the study in the revision, or else where they are."""

    def __init__(self, code: str, study: str) -> None:
        super().__init__(code, (_Extension, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))
        # What no revision has a copy of: modules that were compiled.
        self._beside = FileFinder(
            study,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (SourceFileLoader, SOURCE_SUFFIXES),
            (SourcelessFileLoader, BYTECODE_SUFFIXES),
        )

    @classmethod
    def of(cls, entry: str) -> _Finder:
        """Give the finder of an entry of `sys.path`, as a path hook does."""
        revision, real = _revisions[0], os.path.realpath(entry)
        # By its name first: behind a link of the study is code that the revision has.
        places = (
            (os.path.abspath(entry), revision.named),
            (real, revision.code),
            (real, revision.study),
        )
        for place, root in places:
            inside = _within(place, root)
            if inside is None:
                continue
            code = os.path.join(revision.code, inside)
            if os.path.isdir(code):
                return cls(code, os.path.join(revision.named, inside))
        raise ImportError(f"{entry} is no folder of the study's code", path=entry)

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module, whose places are those in the study."""
        spec = super().find_spec(fullname, target)
        if spec is None:
            return self._beside.find_spec(fullname, target)
        if isinstance(spec.loader, _Source):
            spec.origin = spec.loader.path
        places = spec.submodule_search_locations
        if places is not None:
            spec.submodule_search_locations = [str(shown(Path(place))) for place in places]
        return spec

    def invalidate_caches(self) -> None:
        """Look into the folders again."""
        super().invalidate_caches()
        self._beside.invalidate_caches()


class _Source(SourceFileLoader):
    """Loads a file of the revision as if it lay in the study."""

    def __init__(self, fullname: str, path: str) -> None:
        super().__init__(fullname, str(shown(Path(path))))

    def get_data(self, path: str) -> bytes:
        """Read a file of the revision, or of the study where the revision has none."""
        return super().get_data(str(source(Path(path))))

    def path_stats(self, path: str) -> Any:
        """Keep no bytecode: beside the study it would pass for that of the file there."""
        raise OSError("no bytecode is kept")


class _Extension(ExtensionFileLoader):
    """Loads a compiled module of the revision; its file must be opened where it is."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, which is seen in the study from then on."""
        super().exec_module(module)
        assert module.__spec__ is not None
        module.__file__ = module.__spec__.origin = str(shown(Path(self.path)))


def _within(path: str, folder: str) -> str | None:
    """Give a path relative to a folder, or None when it is not inside."""
    if path == folder:
        return ""
    return path[len(folder) + 1 :] if path.startswith(f"{folder}/") else None


def _lines(filename: str, module_globals: dict[str, Any] | None = None) -> list[str]:
    """Read the lines of a file for a traceback; those of the study as they are run here."""
    file = source(Path(filename))
    if str(file) == filename:
        return _update(filename, module_globals)
    try:
        with tokenize.open(file) as opened:
            lines = opened.readlines()
    except (OSError, SyntaxError, UnicodeDecodeError):
        return _update(filename, module_globals)
    # Without a time it is not compared with the file of that name.
    linecache.cache[filename] = (sum(map(len, lines)), None, lines, filename)
    return lines


_update = linecache.updatecache
_revisions: list[Revision] = []
