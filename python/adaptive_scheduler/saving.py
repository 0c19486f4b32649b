"""Saves data files only while this job may, atomically, and remembers what failed.

adaptive has no place to say that a save is not allowed, and `BaseLearner.save` drops the answer of
`adaptive.utils.save`; so that function is wrapped. What is guarded is known by path and never by an
attribute of a learner: LearnerND writes its whole `__dict__` into its file.
"""

from __future__ import annotations

import functools
import gzip
import os
import pickle
import struct
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import adaptive.utils
import cloudpickle

from adaptive_scheduler.door import sync_directory


class Guard:
    """The right of this process to save one learner.

    Parameters
    ----------
    epochs
        The run's file of epochs.
    learner, epoch
        The learner's number and the epoch that this process was given.
    instance
        Name of this process, part of the names of temporary files.
    fnames
        The learner's data files.
    on_fenced
        Called once with the reason when the right is lost.

    Attributes
    ----------
    fenced
        Why nothing may be saved any more, or None.
    written
        Absolute paths that were written in this epoch.
    failures
        By absolute path, why its last save failed.
    compress
        Whether the files are compressed; what the script chose at its last save.
    """

    def __init__(
        self,
        epochs: Path,
        learner: int,
        epoch: int,
        instance: str,
        fnames: Iterable[str],
        on_fenced: Callable[[str], None],
    ) -> None:
        self.paths = [data_path(fname) for fname in fnames]
        self.fenced: str | None = None
        self.written: set[str] = set()
        self.failures: dict[str, str] = {}
        self.compress = True
        self._epochs = epochs
        self._learner = learner
        self._epoch = epoch
        self._suffix = f".{epoch}.{instance}.tmp"
        self._on_fenced = on_fenced

    def __enter__(self) -> Guard:
        _install()
        _guards.update(dict.fromkeys(self.paths, self))
        return self

    def __exit__(self, *error: object) -> None:
        for path in self.paths:
            _guards.pop(path, None)

    def fence(self, why: str) -> None:
        """Refuse every further save."""
        if self.fenced is None:
            self.fenced = why
            self._on_fenced(why)

    def trouble(self) -> str | None:
        """Why the data is not on disk, or None when every file was written in this epoch."""
        for path in self.paths:
            if path in self.failures:
                return self.failures[path]
            if path not in self.written:
                return f"{path} was not written"
        return None

    def save(self, path: str, data: Any, compress: bool) -> bool:
        """Write a data file as adaptive does, but durably and only in our epoch."""
        self.compress = compress
        blob = cloudpickle.dumps(data, protocol=pickle.HIGHEST_PROTOCOL)
        if compress:
            blob = gzip.compress(blob)
        aside = path + self._suffix
        try:
            if not self._may_save():
                return False
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(aside, "wb") as file:
                file.write(blob)
                file.flush()
                os.fsync(file.fileno())
            # The learner may have been given to another job while we wrote.
            if not self._may_save():
                return False
            os.replace(aside, path)
            sync_directory(Path(path).parent)
        except OSError as error:
            self.failures[path] = f"{type(error).__name__}: {error}"
            return False
        finally:
            with suppress(OSError):
                os.remove(aside)
        self.failures.pop(path, None)
        self.written.add(path)
        return True

    def _may_save(self) -> bool:
        if self.fenced is None:
            try:
                epoch = read_epoch(self._epochs, self._learner)
            except (OSError, struct.error) as error:
                self.fence(f"{self._epochs} is unreadable ({error})")
            else:
                if epoch != self._epoch:
                    self.fence(f"epoch {epoch} may save it, this job has epoch {self._epoch}")
        return self.fenced is None


def data_path(fname: str) -> str:
    """Absolute path of a data file, as adaptive understands its name."""
    return os.path.abspath(os.path.expanduser(fname))


def read_epoch(epochs: Path, learner: int) -> int:
    """Read which epoch may save a learner.

    Raises
    ------
    OSError, struct.error
        When the file cannot be read, or is too short.
    """
    # Opened anew each time: only then NFS shows what other machines wrote.
    with open(epochs, "rb") as file:
        file.seek(8 * learner)
        return int(struct.unpack("<Q", file.read(8))[0])


_guards: dict[str, Guard] = {}


@functools.cache
def _install() -> None:
    original = adaptive.utils.save

    @functools.wraps(original)
    def save(fname: str, data: Any, compress: bool = True) -> bool:
        path = data_path(fname)
        guard = _guards.get(path)
        return bool(guard.save(path, data, compress) if guard else original(fname, data, compress))

    # Besides its own module, in adaptive's base learner and whatever else imported it by name.
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("save") is original:
            vars(module)["save"] = save
