from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import adaptive
import pytest

from adaptive_scheduler.saving import Guard

EPOCHS = Path("epochs")
fenced: list[str] = []


def set_epoch(epoch: int) -> None:
    EPOCHS.write_bytes(struct.pack("<QQ", 9, epoch))


@pytest.fixture
def guard() -> Iterator[Guard]:
    fenced.clear()
    set_epoch(5)
    with Guard(EPOCHS, 1, 5, "me", ["data/x"], fenced.append) as guard:
        yield guard


def learner(n: int = 3) -> adaptive.Learner1D:
    learner = adaptive.Learner1D(abs, (-1, 1))
    adaptive.runner.simple(learner, npoints_goal=n)
    return learner


def loaded(compress: bool = True) -> dict[float, float]:
    empty = adaptive.Learner1D(abs, (-1, 1))
    empty.load("data/x", compress)
    return dict(empty.data)


@pytest.mark.parametrize("compress", [True, False])
def test_in_our_epoch_it_saves_what_adaptive_loads(guard: Guard, compress: bool) -> None:
    assert guard.trouble() is not None
    learner().save("./data/../data/x", compress)
    assert loaded(compress) == dict(learner().data)
    assert guard.trouble() is None
    assert guard.check() is None
    assert guard.compress == compress
    assert os.listdir("data") == ["x"]


def test_in_another_epoch_it_does_not_save(guard: Guard) -> None:
    learner(3).save("data/x")
    set_epoch(6)
    learner(9).save("data/x")
    assert loaded() == dict(learner(3).data)
    assert fenced == ["epoch 6 may save it, this job has epoch 5"]
    set_epoch(5)  # a right that was lost does not come back
    learner(9).save("data/x")
    assert len(loaded()) == 3


def test_an_epoch_that_changes_while_it_writes_keeps_the_file(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(3).save("data/x")
    monkeypatch.setattr(os, "fsync", lambda descriptor: set_epoch(6))
    learner(9).save("data/x")
    assert loaded() == dict(learner(3).data)
    assert os.listdir("data") == ["x"]
    assert len(fenced) == 1


@pytest.mark.parametrize("content", [None, b"", b"123456789012345"])
def test_unreadable_epochs_mean_do_not_save(guard: Guard, content: bytes | None) -> None:
    EPOCHS.unlink() if content is None else EPOCHS.write_bytes(content)
    learner().save("data/x")
    assert not Path("data").exists()
    assert "unreadable" in fenced[0]


def test_a_failure_is_remembered_until_a_save_succeeds(guard: Guard) -> None:
    Path("data").write_text("a file where the folder should be")
    learner().save("data/x")
    assert "Error" in (guard.trouble() or "")
    Path("data").unlink()
    learner().save("data/x")
    assert guard.trouble() is None


def test_a_full_disk_keeps_the_file_and_is_remembered(
    guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner(3).save("data/x")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    guard.begin()
    learner(9).save("data/x")
    assert "No space left on device" in (guard.trouble() or "")
    assert len(loaded()) == 3
    assert os.listdir("data") == ["x"]


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_what_is_written_is_read_back(guard: Guard, content: bytes | None) -> None:
    learner().save("data/x")
    assert guard.check() is None
    Path("data/x").unlink() if content is None else Path("data/x").write_bytes(content)
    assert guard.check() is not None


def test_data_that_would_not_load_is_not_done(guard: Guard) -> None:
    class Fragile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return int, ("not a number",)

    fragile = learner()
    fragile.data[0.123] = Fragile()
    fragile.save("data/x")
    assert guard.trouble() is None
    assert "does not load: ValueError" in (guard.check() or "")


def test_a_file_saved_in_another_way_is_loaded_all_the_same(guard: Guard) -> None:
    learner(3).save("data/x", compress=False)
    assert len(loaded(compress=True)) == 3


def test_an_unreadable_file_is_not_touched_in_another_epoch(guard: Guard) -> None:
    Path("data").mkdir()
    Path("data/x").write_bytes(b"garbage")
    set_epoch(6)
    assert guard.keep_unreadable_aside() == []
    assert os.listdir("data") == ["x"]


def test_other_files_are_saved_as_ever(guard: Guard) -> None:
    set_epoch(6)
    learner().save("other")
    assert Path("other").exists()
    assert not fenced


def test_children_of_a_balancing_learner_and_savers_are_guarded() -> None:
    set_epoch(6)
    refused: list[str] = []
    with Guard(EPOCHS, 1, 5, "me", ["a", "b"], refused.append):
        adaptive.BalancingLearner([learner(), learner()]).save(["a", "b"])
        adaptive.DataSaver(learner(), arg_picker=abs).save("a")
    assert refused
    assert not Path("a").exists()
    assert not Path("b").exists()
