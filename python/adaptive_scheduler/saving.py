"""Saves data files only while this job may, atomically, and remembers what failed.

adaptive has no place to say that a save is not allowed, `BaseLearner.save` drops the answer of
`adaptive.utils.save`, and `BaseLearner.load` takes a file that is cut off for none; so those two
functions are wrapped. What is guarded is known by path and never by an attribute of a learner:
LearnerND writes its whole `__dict__` into its file.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import os
import pickle
import struct
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import adaptive.utils
import cloudpickle

from adaptive_scheduler import datafile
from adaptive_scheduler.datafile import UnreadableError, data_path, without_function
from adaptive_scheduler.door import open_file, sync_directory


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
    on_saved
        Called with the number of a file among `fnames` when it was written.

    Attributes
    ----------
    paths
        Absolute paths of the data files.
    fenced
        Why nothing may be saved any more, or None.
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
        on_saved: Callable[[int], None] = lambda number: None,
    ) -> None:
        self.paths = [data_path(fname) for fname in fnames]
        self.fenced: str | None = None
        self.failures: dict[str, str] = {}
        self.compress = True
        self._written: dict[str, bytes] = {}
        self._seconds: dict[str, float] = {}
        self._loaded: dict[str, Any] = {}
        self._epochs = epochs
        self._learner = learner
        self._epoch = epoch
        self._suffix = f".{epoch}.{instance}.tmp"
        self._on_fenced = on_fenced
        self._on_saved = on_saved

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

    def keep_unreadable_aside(self) -> list[str]:
        """Read the data files; rename those that are damaged, so that nothing overwrites them.

        Returns
        -------
        What was done, a sentence for each.
        """
        remarks = []
        for path in self.paths:
            try:
                self._loaded[path] = datafile.load(path)
            except UnreadableError as error:
                aside = f"{path}.unreadable-{self._epoch}"
                remark = f"{path} was unreadable ({error})"
                try:
                    if not self._may_save():
                        break
                    os.replace(path, aside)
                    remarks.append(f"{remark}; it is kept as {os.path.basename(aside)}.")
                except OSError as trouble:
                    remarks.append(f"{remark}, and could not be renamed: {trouble}.")
            except Exception:  # none there, or what it needs is missing: for the load itself to say
                continue
        return remarks

    def load(self, path: str) -> Any:
        """Load a data file, whichever way it was saved."""
        data = self._loaded.pop(path) if path in self._loaded else datafile.load(path)
        return without_function(data)

    def begin(self) -> None:
        """Forget what was written before; `trouble` speaks of what is from now on."""
        self._written.clear()

    def trouble(self) -> str | None:
        """Why the data is not on disk, or None when every file was written since `begin`."""
        for path in self.paths:
            if path in self.failures:
                return self.failures[path]
            if path not in self._written:
                return f"{path} was not written"
        return None

    def check(self) -> str | None:
        """Read back what was written; returns why it is not what it should be, or None."""
        for path, digest in self._written.items():
            try:
                with open(path, "rb") as file:
                    content = file.read()
                if hashlib.sha256(content).digest() != digest:
                    return f"{path} does not hold what was written"
                datafile.parse(content)
            except Exception as error:
                return f"{path} was written, but does not load: {type(error).__name__}: {error}"
        return None

    def seconds(self) -> float:
        """How long the newest saves of all files took together."""
        return sum(self._seconds.values())

    def save(self, path: str, data: Any, compress: bool) -> bool:
        """Write a data file as adaptive does, but durably and only in our epoch."""
        started = time.monotonic()
        self.compress = compress
        self._loaded.pop(path, None)
        blob = cloudpickle.dumps(without_function(data), protocol=pickle.HIGHEST_PROTOCOL)
        if compress:
            blob = gzip.compress(blob)
        try:
            if not self.write(path, blob):
                return False
        except OSError as error:
            self.failures[path] = f"{type(error).__name__}: {error}"
            return False
        self.failures.pop(path, None)
        self._written[path] = hashlib.sha256(blob).digest()
        self._seconds[path] = time.monotonic() - started
        self._on_saved(self.paths.index(path))
        return True

    def write(self, path: str, content: bytes) -> bool:
        """Replace a file, durably; False when this job may not any more.

        Raises
        ------
        OSError
            When it cannot be written; the file is then as before.
        """
        aside = path + self._suffix
        try:
            if not self._may_save():
                return False
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(aside, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # The learner may have been given to another job while we wrote.
            if not self._may_save():
                return False
            os.replace(aside, path)
            sync_directory(Path(path).parent)
        finally:
            with suppress(OSError):
                os.remove(aside)
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


def read_epoch(epochs: Path, learner: int) -> int:
    """Read which epoch may save a learner.

    Raises
    ------
    OSError, struct.error
        When the file cannot be read, or is too short.
    """
    # Opened anew each time: only then NFS shows what other machines wrote.
    with open_file(epochs) as file:
        file.seek(8 * learner)
        return int(struct.unpack("<Q", file.read(8))[0])


_guards: dict[str, Guard] = {}


@functools.cache
def _install() -> None:
    original_save, original_load = adaptive.utils.save, adaptive.utils.load

    @functools.wraps(original_save)
    def save(fname: str, data: Any, compress: bool = True) -> bool:
        guard = _guards.get(path := data_path(fname))
        return bool(
            guard.save(path, data, compress) if guard else original_save(fname, data, compress)
        )

    @functools.wraps(original_load)
    def load(fname: str, compress: bool = True) -> Any:
        guard = _guards.get(path := data_path(fname))
        return guard.load(path) if guard else original_load(fname, compress)

    # Besides their own module, in adaptive's base learner and whatever else imported them by name.
    for module in list(sys.modules.values()):
        for wrapped in (save, load):
            if getattr(module, "__dict__", {}).get(wrapped.__name__) is wrapped.__wrapped__:
                vars(module)[wrapped.__name__] = wrapped
