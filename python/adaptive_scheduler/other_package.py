"""What PyPI's package of the same name has and this one lacks, said where it is not installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

#: Modules and exports of adaptive-scheduler 2.17.
NAMES = frozenset(
    [
        "utils",
        "scheduler",
        "server_support",
        "widgets",
        "_executor",
        "_mock_scheduler",
        "_scheduler",
        "_server_support",
        "_version",
        "PBS",
        "SLURM",
        "MultiRunManager",
        "RunManager",
        "SlurmExecutor",
        "SlurmTask",
        "slurm_run",
        "start_one_by_one",
    ]
)
#: In each message, which says what to do by itself.
WORDS = "is of PyPI's package adaptive-scheduler"


def missing(name: str) -> str:
    """Say whose name it is, and what to do."""
    return (
        f"{name} {WORDS}, which {sys.executable} lacks: "
        f"{sys.executable} -m pip install adaptive-scheduler"
    )


class Finder:
    """The last on `sys.meta_path`: asked for a module only when there is none of its name."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> None:
        """Raise for a module, or for what is imported from the package, of PyPI's."""
        package, _, rest = name.partition(".")
        if package != "adaptive_scheduler" or rest.partition(".")[0] not in NAMES:
            return
        if len(sys.modules[package].__path__) == 1:
            # Of another name: what `from … import` lacks would be said without these words.
            raise ModuleNotFoundError(missing(name), name=package)


def install() -> None:
    """Have it asked."""
    if not any(finder is Finder for finder in sys.meta_path):
        sys.meta_path.append(Finder)
