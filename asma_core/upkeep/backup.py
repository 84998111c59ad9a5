"""A backup of a data folder, while it is used: complete or not there.

    BACKUP/backup.json    when it was made, of what version, how many files and bytes
    BACKUP/...            as the data folder, without what can be worked out again

The database comes first, by SQLite's own way of copying one that is in use; then the files that it
names. What is deleted meanwhile is deleted from the backup too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error, write_json
from asma_core.runs.row_copies import FOLDER as ROWS
from asma_core.runs.row_copies import copy_files
from asma_core.upkeep.copying import Copying, copy_database, forget_deleted
from asma_core.version import __version__

NAME: Final = "runs.sqlite"
MANIFEST: Final = "backup.json"
# Of what a row names.
_FOLDERS: Final = ("runs", "trainings")
# What processes leave for each other, and what can be worked out again.
_LEFT_OUT: Final = ("cache", "imports", "owners", "work")
_UNFINISHED: Final = ".unfinished-backup-"


@dataclass(frozen=True)
class Backup:
    """What was backed up.

    Attributes:
        folder: Where it lies.
        runs: How many runs are in it.
        files: How many files.
        bytes: Of all files.
        linked: How many files share their bytes with the data folder.
        seconds: How long it took.
    """

    folder: Path
    runs: int
    files: int
    bytes: int
    linked: int
    seconds: float


def backup(
    home: Path, target: Path, progress: Callable[[int, int], None] = lambda *_: None
) -> Backup:
    """Write a backup of a data folder, which may be in use.

    Args:
        home: The data folder.
        target: A folder that is not there yet.
        progress: Gets how many of how many folders are done.

    Raises:
        StoreError: There is no such data folder, something is at the target already, or the disk
            is full; nothing is left behind.
    """
    begun = time.monotonic()
    _check(home, target)
    with _aside(target) as aside:
        named = copy_database(home / NAME, aside / NAME)
        copying = Copying(home, aside)
        for place, (kind, name) in enumerate(named, 1):
            for path in _paths(kind, name):
                copying.take(home / path)
            progress(place, len(named))
        for entry in sorted(home.iterdir()):
            if not _is_left_out(entry):
                copying.take(entry)
        forget_deleted(home / NAME, aside)
        files = [path for path in aside.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        runs = sum(kind == "runs" for kind, _ in named)
        told = {"made": time.time(), "version": __version__, "files": len(files), "bytes": size}
        write_json(aside / MANIFEST, told | {"runs": runs})
        os.sync()
        aside.rename(target)
    seconds = time.monotonic() - begun
    return Backup(target, runs, len(files), size, copying.linked, seconds)


def _check(home: Path, target: Path) -> None:
    if not (home / NAME).exists():
        raise StoreError(f"there is no data folder {home}; set ASMA_HOME to the one you mean")
    if target.exists():
        raise StoreError(f"{target} is there already; name a folder that is not")
    if target.resolve().is_relative_to(home.resolve()):
        raise StoreError(f"{target} lies inside the data folder; name one outside of it")


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    """Make a folder beside the target, locked as long as it is written; remove what died there."""
    with as_store_error(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for left in target.parent.glob(f"{_UNFINISHED}*"):
            _remove_if_dead(left)
        aside = target.parent / f"{_UNFINISHED}{uuid.uuid4().hex}"
        aside.mkdir(mode=0o700)
        descriptor = os.open(aside, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield aside
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            os.close(descriptor)


def _remove_if_dead(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _paths(kind: str, name: str) -> list[Path]:
    """Return what is taken because a row names it, below the data folder."""
    if kind == "inputs":
        return [Path("inputs") / f"{name}.npz"]
    copy = copy_files(Path(), kind, name)
    return [*copy, Path(kind) / name] if kind in _FOLDERS else copy


def _is_left_out(entry: Path) -> bool:
    ours = entry.name.startswith((f"{NAME}-", f"{NAME}.before-", "."))
    return ours or entry.name in (*_LEFT_OUT, *_FOLDERS, "inputs", ROWS, NAME)
