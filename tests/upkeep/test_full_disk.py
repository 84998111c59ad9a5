"""A disk that is full: each of what looks after a data folder says so, and loses nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from asma_core.errors import StoreError
from asma_core.runs.migrations import version
from asma_core.runs.store import RunStore
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.reindex import reindex
from asma_core.upkeep.restore import restore
from tests.runs.test_crashes import fill, small_disk
from tests.upkeep.kept_home import DONE, ask, tree, unpack, whole

__all__ = ["small_disk"]


def leave(disk: Path, count: int) -> Path:
    """Use a disk up to so many bytes; return what does."""
    ballast = fill(disk)
    os.truncate(ballast, ballast.stat().st_size - count)
    return ballast


def test_a_migration_that_does_not_fit_leaves_the_store_as_it_was(small_disk: Path) -> None:
    unpack(small_disk)
    ballast = leave(small_disk.parent, 40_000)
    with pytest.raises(StoreError, match=r"full|can't be"):
        RunStore()
    with closing(sqlite3.connect(small_disk / "runs.sqlite")) as database:
        assert version(database) == 0
    ballast.unlink()
    assert RunStore().get(DONE).note == "a note"


def test_making_it_anew_where_it_does_not_fit_leaves_what_there_is(small_disk: Path) -> None:
    whole(small_disk)
    ask(small_disk, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = (small_disk / "runs.sqlite").read_bytes()
    ballast = leave(small_disk.parent, 40_000)
    with pytest.raises(StoreError, match="full"):
        reindex(small_disk)
    assert (small_disk / "runs.sqlite").read_bytes() == before
    ballast.unlink()
    reindex(small_disk)
    assert check() == Report()


def test_a_restore_that_does_not_fit_leaves_no_data_folder(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asma_core.upkeep.backup import backup

    monkeypatch.setenv("ASMA_HOME", str(tmp_path / "source"))
    backup(whole(tmp_path / "source"), tmp_path / "backup")
    ballast = leave(small_disk.parent, 100_000)
    into = small_disk.parent / "restored"
    with pytest.raises(StoreError, match="full; free some space"):
        restore(tmp_path / "backup", into)
    assert not (into / "runs.sqlite").exists() and not (into / "runs").exists()
    ballast.unlink()
    restore(tmp_path / "backup", into)
    assert tree(into) == tree(tmp_path / "source")


def test_what_somebody_says_is_saved_where_its_copy_does_not_fit(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole(home)

    def full(*_: object) -> None:
        raise StoreError("the disk is full; free some space and repeat")

    with monkeypatch.context() as patched:
        patched.setattr("asma_core.runs.row_copies.write_json", full)
        RunStore().judgements.annotate(DONE, note="said on a full disk")
    assert RunStore().get(DONE).note == "said on a full disk"
    assert "no copy beside the database" in check().problems[0]
    check(repair=True)
    assert check() == Report()
