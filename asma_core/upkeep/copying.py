"""Copying a data folder that is in use: its database, and the files that it names."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from asma_core.runs.database import Database
from asma_core.runs.leftovers import finish_deletions
from asma_core.runs.row_copies import KINDS, REVIEWS, copy_row, stale_copies

# Never changed once written, so that a second name for the same bytes is as good as a copy.
_IMMUTABLE: Final = ("runs", "inputs")
_STAGED: Final = Path("uploads") / "staged"
# Kinds of things that have a row and can be deleted.
_DELETABLE: Final = ("runs", "trainings", "experiments", "universal", REVIEWS)


def copy_database(file: Path, into: Path) -> list[tuple[str, str]]:
    """Copy a database as it is at one moment; return kind and name of what it names.

    Raises:
        StoreError: It can't be read, or the copy can't be written.
    """
    with Database(file).reading() as source, closing(sqlite3.connect(into)) as copy:
        source.backup(copy)
        named = [
            (kind, str(row[0]))
            for kind in KINDS
            for row in copy.execute(f"SELECT id FROM {kind} ORDER BY rowid")
        ]
        used = copy.execute("SELECT DISTINCT inputs_hash FROM runs ORDER BY rowid").fetchall()
        return [*named, *(("inputs", str(row[0])) for row in used)]


def forget_deleted(file: Path, folder: Path) -> None:
    """Delete from a copy what has been deleted since, and make its copies of rows fit its rows.

    Args:
        file: The database that was copied.
        folder: Where the copy lies, with its files.
    """
    copy = Database(folder / file.name)
    with Database(file).reading() as source, copy.writing() as connection:
        for kind in _DELETABLE:
            there = {row[0] for row in source.execute(f"SELECT id FROM {kind}")}
            for row in connection.execute(f"SELECT id FROM {kind}").fetchall():
                if row[0] not in there:
                    connection.execute(f"DELETE FROM {kind} WHERE id = ?", (row[0],))
        for kind in KINDS:
            for name in stale_copies(connection, folder, kind):
                copy_row(connection, folder, kind, name)
    (folder / "work").mkdir()
    finish_deletions(copy, folder)
    (folder / "work").rmdir()


class Copying:
    """Files on their way from one folder to another.

    Attributes:
        linked: How many share their bytes with where they come from.
    """

    def __init__(self, home: Path, into: Path, *, links: bool = True) -> None:
        """Prepare to copy.

        Args:
            home: The data folder they come from.
            into: The folder they go to.
            links: Whether what is never changed may get a second name instead.
        """
        self.linked = 0
        self._home, self._into, self._links = home, into, links

    def take(self, path: Path) -> None:
        """Take a file, or a folder with all in it; what is deleted meanwhile is left out."""
        place = path.relative_to(self._home)
        # A folder of the first level may be a link to a larger disk.
        if path.is_dir() and (len(place.parts) == 1 or not path.is_symlink()):
            for entry in _entries(path):
                if place / entry.name != _STAGED and not entry.name.startswith("."):
                    self.take(entry)
            return
        to = self._into / place
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            if not (place.parts[0] in _IMMUTABLE and self._link(path, to)):
                shutil.copy2(path, to, follow_symlinks=False)
        except FileNotFoundError:
            return

    def _link(self, path: Path, to: Path) -> bool:
        if not self._links:
            return False
        try:
            os.link(path, to)
        except FileNotFoundError:
            raise
        except OSError:
            # Another disk, or one that knows no links.
            self._links = False
            return False
        self.linked += 1
        return True


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
