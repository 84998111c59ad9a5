"""A backup is complete or not there; a restore gives the same data folder, or none."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asma_core.cli.main import main
from asma_core.errors import StoreError
from asma_core.runs import process_locks
from asma_core.runs.database import Database
from asma_core.runs.execute import execute
from asma_core.runs.store import RunStore
from asma_core.upkeep import backup as backups
from asma_core.upkeep import copying
from asma_core.upkeep.backup import MANIFEST, backup
from asma_core.upkeep.check import Report, check
from asma_core.upkeep.restore import restore
from tests import tiny
from tests.runs.test_crashes import SERVER, server, small_disk
from tests.upkeep.kept_home import DONE, OF_CELL, tree, whole

__all__ = ["SERVER", "server", "small_disk"]


@pytest.fixture
def kept(home: Path) -> Path:
    return whole(home)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Where backups of a test go; nothing unfinished may be left there."""
    yield tmp_path / "backups" / "first"
    assert list((tmp_path / "backups").glob(".*")) == []


def use(monkeypatch: pytest.MonkeyPatch, home: Path) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(home))
    return home


def test_what_was_backed_up_comes_back(
    kept: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, runs = tree(kept), RunStore().newest()
    made = backup(kept, target)
    assert (made.runs, made.files) == (4, len(before) + 1) and made.linked > 30
    back = restore(target, tmp_path / "other")
    assert (back.runs, back.files) == (4, made.files)
    other = use(monkeypatch, tmp_path / "other")
    assert tree(other) == before
    assert check() == Report()
    assert RunStore().newest() == runs
    assert not (kept / "runs" / DONE / "run.json").samefile(other / "runs" / DONE / "run.json")


def test_a_run_of_a_backup_can_be_repeated_and_judged(
    kept: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(kept, target)
    restore(target, tmp_path / "other")
    use(monkeypatch, tmp_path / "other")
    runs = RunStore()
    old = runs.get(DONE)
    again = execute(runs, runs.create(old.spec.request(), runs.inputs(old)).id)
    assert (again.state, again.outcome) == ("done", old.outcome)
    runs.judgements.annotate(again.id, verdict="bad")
    assert runs.get(again.id).verdict == "bad"


def test_what_is_deleted_later_stays_in_the_backup(
    kept: Path, target: Path, tmp_path: Path
) -> None:
    before = tree(kept)
    backup(kept, target)
    RunStore().delete(DONE)
    restore(target, tmp_path / "other")
    assert tree(tmp_path / "other") == before


def test_a_backup_of_a_store_that_is_written_meanwhile_is_whole(
    kept: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.furnish(kept)
    going = threading.Event()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            runs = RunStore()
            while not going.is_set():
                run = runs.create(tiny.request({"steps": 1}), tiny.inputs(1, 3))
                runs.judgements.annotate(run.id, note="meanwhile")
                runs.ask_to_stop(run.id)
                runs.delete(run.id)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for place in range(5):
            backup(kept, target.with_name(str(place)))
    finally:
        going.set()
        for thread in threads:
            thread.join()
    assert errors == []
    for place in range(5):
        restore(target.with_name(str(place)), tmp_path / str(place))
        use(monkeypatch, tmp_path / str(place))
        RunStore().recover()
        assert check() == Report()


def test_what_is_deleted_meanwhile_is_deleted_from_the_backup_too(
    kept: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = RunStore().get(DONE).spec.inputs_hash
    usual = backups.copy_database

    def then_delete(*given: Any) -> Any:
        named = usual(*given)
        RunStore().delete(DONE)
        return named

    monkeypatch.setattr(backups, "copy_database", then_delete)
    backup(kept, target)
    assert not [name for name in tree(target) if DONE in name or inputs in name]
    with Database(target / "runs.sqlite").reading() as database:
        assert {row["id"] for row in database.execute("SELECT id FROM runs")} >= {OF_CELL}
        assert database.execute("SELECT 1 FROM runs WHERE id = ?", (DONE,)).fetchone() is None


def test_where_links_are_not_known_files_are_copied(
    kept: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any) -> None:
        raise OSError(errno.EXDEV, "another disk")

    monkeypatch.setattr(copying.os, "link", no_links)
    made = backup(kept, target)
    assert made.linked == 0 and (target / "runs" / DONE / "run.json").stat().st_nlink == 1


def test_a_disk_that_is_full_leaves_no_backup(
    kept: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(copying.shutil, "copy2", full)
    with pytest.raises(StoreError, match="full; free some space"):
        backup(kept, target)
    assert not target.exists() and check() == Report()


def test_a_database_that_does_not_fit_leaves_no_backup(kept: Path, small_disk: Path) -> None:
    home = whole(kept.with_name("source"))
    ballast = small_disk.parent / "ballast"
    disk = os.statvfs(small_disk)
    ballast.write_bytes(b"x" * (disk.f_bavail * disk.f_bsize - 20_000))
    with pytest.raises(StoreError, match="full"):
        backup(home, small_disk.parent / "backup")
    assert {path.name for path in small_disk.parent.iterdir()} == {"ballast", "home"}


def test_what_a_killed_backup_left_goes_with_the_next(kept: Path, target: Path) -> None:
    left = target.parent / f".unfinished-backup-{'0' * 32}"
    left.mkdir(parents=True)
    (left / "runs.sqlite").write_bytes(b"half")
    backup(kept, target)
    assert [path.name for path in target.parent.iterdir()] == ["first"]


Refused = Callable[[Path, Path], tuple[Path, str]]


def test_a_backup_never_overwrites(kept: Path, target: Path) -> None:
    backup(kept, target)
    with pytest.raises(StoreError, match="is there already"):
        backup(kept, target)
    with pytest.raises(StoreError, match="inside the data folder"):
        backup(kept, kept / "backup")
    with pytest.raises(StoreError, match="there is no data folder"):
        backup(kept / "nothing", target.with_name("second"))


def test_a_restore_never_overwrites(kept: Path, target: Path, tmp_path: Path) -> None:
    backup(kept, target)
    before = tree(kept)
    with pytest.raises(StoreError, match="is not empty; name an empty folder by --into"):
        restore(target, kept)
    assert tree(kept) == before
    (tmp_path / "empty").mkdir()
    restore(target, tmp_path / "empty")


def test_a_restore_into_the_folder_of_a_living_server_is_refused(
    kept: Path, target: Path, server: Any
) -> None:
    _, holder = server
    assert process_locks.is_alive(kept, holder)
    backup(kept, target)
    with pytest.raises(StoreError, match=f"a living process uses .*{holder}"):
        restore(target, kept)


def broken(folder: Path, how: str) -> None:
    if how == "no manifest":
        (folder / MANIFEST).unlink()
    elif how == "manifest of rubbish":
        (folder / MANIFEST).write_text("[]")
    elif how == "a file is lost":
        (folder / "runs" / DONE / "run.json").unlink()
    elif how == "a file is shorter":
        file = folder / "models" / "tiny-unet.toml"
        file.write_bytes(file.read_bytes()[:-1])
    else:
        file = folder / "runs.sqlite"
        file.write_bytes(b"x" * file.stat().st_size)


@pytest.mark.parametrize(
    ("how", "words"),
    [("no manifest", "is no backup"), ("manifest of rubbish", "not what a backup says"),
     ("a file is lost", "is not whole"), ("a file is shorter", "is not whole"),
     ("database", "is damaged")],
)  # fmt: skip
def test_a_backup_that_is_not_whole_is_refused(
    kept: Path, target: Path, tmp_path: Path, how: str, words: str
) -> None:
    backup(kept, target)
    broken(target, how)
    with pytest.raises(StoreError, match=words):
        restore(target, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_restore_that_was_killed_can_be_repeated_and_counts_for_nothing(
    kept: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup(kept, target)
    other = tmp_path / "other"
    left = other / ".unfinished-restore" / "runs"
    left.mkdir(parents=True)
    restore(target, other)
    assert tree(other) == tree(kept)
    # Killed later, all but the database is in its place.
    (other / "runs.sqlite").unlink()
    use(monkeypatch, other)
    with pytest.raises(StoreError, match="is gone, but its runs are there"):
        RunStore()


def test_the_commands_say_size_and_time(
    kept: Path, target: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["store", "backup", str(target)]) == 0
    said = capsys.readouterr().out
    assert (
        f"folder: {target}" in said and re.search(r"size: 0\.\d MB\n", said) and "seconds: " in said
    )
    assert main(["store", "restore", str(target), "--into", str(tmp_path / "other")]) == 0
    assert "made: 20" in capsys.readouterr().out
    assert main(["store", "restore", str(target)]) == 2
    shutil.rmtree(tmp_path / "other")
