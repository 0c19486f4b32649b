"""What a job of Adaptive Scheduler imports; importing it loads nothing but the standard library.

PyPI has another package of this name. A job finds this one first; what only the other one has, its
modules and what it exports, can be imported as ever when it is installed too.

Importing it also has the study's own modules found where they belong (`revision.py`).
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from pathlib import Path
from pkgutil import extend_path
from types import ModuleType
from typing import Any

from adaptive_scheduler import other_package, revision

__path__ = extend_path(__path__, __name__)
revision.install()
other_package.install()


def __getattr__(name: str) -> Any:
    if not name.startswith("__"):
        whole = f"{__name__}.{name}"
        if name in other_package.NAMES and len(__path__) == 1:
            raise AttributeError(other_package.missing(whole))
        if importlib.util.find_spec(whole) is not None:
            return importlib.import_module(whole)
        for folder in __path__[1:]:
            init = Path(folder) / "__init__.py"
            # Not run for nothing: picklers ask every module for every name.
            if name in _names(init):
                return getattr(_run(init), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _names(init: Path) -> set[str]:
    """Give the names that the file imports from elsewhere."""
    return {
        alias.asname or alias.name
        for node in ast.parse(init.read_bytes()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _run(init: Path) -> ModuleType:
    # As a module beside the package's others: its relative imports mean those.
    name = f"{__name__}.__other__"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, init)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
