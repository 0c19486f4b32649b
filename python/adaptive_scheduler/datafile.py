"""Data files as adaptive writes them: a pickle, compressed or not.

Nothing but the standard library is imported here, so that drawing a file needs nothing else either.
"""

from __future__ import annotations

import gzip
import os
import pickle
import zlib
from typing import Any


class UnreadableError(Exception):
    """A data file is damaged: cut off, or not a data file at all."""


def data_path(fname: str) -> str:
    """Absolute path of a data file, as adaptive understands its name."""
    return os.path.abspath(os.path.expanduser(fname))


def load(path: str) -> Any:
    """Load a data file.

    Raises
    ------
    OSError
        When it cannot be read; FileNotFoundError when there is none.
    UnreadableError
        When it is damaged.
    Exception
        Others, e.g. ImportError, when the file is whole and something that it needs is missing.
    """
    with open(path, "rb") as file:
        return parse(file.read())


def parse(content: bytes) -> Any:
    """Give what a data file holds; raises as `load` does."""
    is_compressed = content.startswith(b"\x1f\x8b")
    if is_compressed:
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableError(f"{type(error).__name__}: {error}") from error
    try:
        return pickle.loads(content)
    except (ImportError, AttributeError, MemoryError):
        raise
    except Exception as error:
        # A checksum has shown that the content is what was written.
        if is_compressed and not isinstance(error, (pickle.UnpicklingError, EOFError)):
            raise
        raise UnreadableError(f"{type(error).__name__}: {error}") from error


def without_function(data: Any) -> Any:
    """Give the data of a learner without its function.

    A LearnerND saves its whole `__dict__`. Loaded, the function of the time it was saved would take
    the place of the learner's own, also after the study was corrected (adaptive's issue 461).
    """
    if isinstance(data, tuple) and len(data) == 2:  # of a DataSaver
        return (without_function(data[0]), data[1])
    if isinstance(data, dict) and "_pending_to_simplex" in data:
        return {name: value for name, value in data.items() if name != "function"}
    return data
