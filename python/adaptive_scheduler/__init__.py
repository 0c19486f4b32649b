"""What a job of Adaptive Scheduler imports; importing it loads nothing else.

PyPI has another package of this name. A job finds this one first; what only the other one has, its
modules and what it exports, can be imported as ever when it is installed too.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from pkgutil import extend_path
from typing import Any

__path__ = extend_path(__path__, __name__)


def __getattr__(name: str) -> Any:
    if not name.startswith("__"):
        whole = f"{__name__}.{name}"
        if importlib.util.find_spec(whole) is not None:
            return importlib.import_module(whole)
        for folder in __path__[1:]:
            exported = getattr(_root_of(folder), name, None)
            if exported is not None:
                return exported
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _root_of(folder: str) -> Any:
    """Give what the `__init__.py` of the other package defines."""
    name = f"{__name__}.__other__"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(folder) / "__init__.py")
        if spec is None or spec.loader is None:
            return None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
