"""Putting a backup back, into a data folder that is empty."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json
from asma_core.runs.migrations import VERSION, version
from asma_core.upkeep.backup import MANIFEST, NAME
from asma_core.upkeep.copying import Copying
from asma_core.upkeep.living import check_nobody_lives

_UNFINISHED: Final = ".unfinished-restore"


@dataclass(frozen=True)
class Restored:
    """What was put back.

    Attributes:
        folder: The data folder.
        made: When the backup was made, in seconds since 1970.
        runs: How many runs are in it.
        files: How many files.
        bytes: Of all files.
    """

    folder: Path
    made: float
    runs: int
    files: int
    bytes: int


def restore(source: Path, home: Path) -> Restored:
    """Put a backup into a data folder: complete, or nothing that could be taken for it.

    The database comes last: a folder of runs without it is refused by all that opens it.

    Args:
        source: The backup; it stays as it is.
        home: A folder that is empty, or not there yet.

    Raises:
        StoreError: That is no whole backup, the folder is not empty or a living server's, or the
            disk is full.
    """
    told = _checked(source)
    check_nobody_lives(home, "stop it, and restore into an empty folder")
    with as_store_error(home):
        if home.is_dir() and any(path.name != _UNFINISHED for path in home.iterdir()):
            raise StoreError(
                f"{home} is not empty; name an empty folder by --into, or move this one away first"
            )
        aside = home / _UNFINISHED
        if aside.exists():
            shutil.rmtree(aside)
        aside.mkdir(parents=True)
        home.chmod(0o700)
        # Bytes of its own: what is broken here must not break the backup.
        copying = Copying(source, aside, links=False)
        for entry in sorted(source.iterdir()):
            if entry.name != MANIFEST:
                copying.take(entry)
        for entry in sorted(aside.iterdir(), key=lambda path: path.name == NAME):
            entry.rename(home / entry.name)
        aside.rmdir()
    return Restored(home, float(told["made"]), told["runs"], told["files"], told["bytes"])


def _checked(source: Path) -> dict[str, Any]:
    """Check that a folder is a whole backup; return what it says of itself."""
    if not (source / MANIFEST).is_file() or not (source / NAME).is_file():
        raise StoreError(f"{source} is no backup; `store backup` makes one")
    told = read_json(source / MANIFEST)
    try:
        wanted = (int(told["files"]), int(told["bytes"]))
        float(told["made"]), int(told["runs"])
    except (LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{source / MANIFEST} is not what a backup says of itself") from error
    files = [path for path in source.rglob("*") if path.is_file() and path.name != MANIFEST]
    found = (len(files), sum(path.stat().st_size for path in files))
    if found != wanted:
        raise StoreError(
            f"{source} is not whole: {found[0]} files of {found[1]} bytes, and it had {wanted[0]} "
            f"of {wanted[1]}; take another backup"
        )
    _check_database(source / NAME)
    return dict(told)


def _check_database(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as database:
            said = database.execute("PRAGMA integrity_check").fetchone()[0]
            found = version(database)
    except sqlite3.Error as error:
        raise StoreError(f"{file} is damaged ({error}); take another backup") from error
    if said != "ok":
        raise StoreError(f"{file} is damaged ({said}); take another backup")
    if found > VERSION:
        raise StoreError(f"{file} is of a newer version of the workbench; upgrade the program")
