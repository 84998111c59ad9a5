"""What crashes left: the rest of what was deleted, inputs of runs that were never made.

A deletion is noted in the transaction that takes the row away (see `migrations`); the note stays
until all files are gone. So a folder without a row is what somebody deleted only where there is
such a note: without one its row was lost, and it is nobody's to remove.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json
from asma_core.runs.database import Database
from asma_core.runs.process_locks import forget_dead, this_process
from asma_core.runs.row_copies import FOLDER, copy_files, copy_reviews_of_before
from asma_core.runs.run import RUNNING

RECORD: Final = "run.json"
# Written aside and not renamed: whoever wrote it has died.
_ASIDE: Final = re.compile(r"\..+\.[0-9a-f]{32}")
OLD_ASIDE: Final = 3600.0


def tidy(database: Database, home: Path) -> None:
    """Remove what crashes left; other processes may write meanwhile.

    Raises:
        StoreError: It can't be removed.
    """
    if database.read_only:
        return
    # Whoever tidies is about to work here, and must be seen.
    this_process(home)
    finish_deletions(database, home)
    with database.writing() as connection, as_store_error(home):
        left = left_in_work(connection, home)
        # New inputs and copies are written inside a transaction, so none of these is in the making.
        for folder in (home / "inputs", *_entries(home / FOLDER)):
            left += folder.glob(".*")
        for path in (*left, *unused_inputs(connection, home)):
            if not path.is_dir():
                path.unlink(missing_ok=True)
        copy_reviews_of_before(connection, home)
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    forget_dead(home)


def left_in_work(connection: sqlite3.Connection, home: Path) -> list[Path]:
    """Return what lies in `work` and is of no running run, inside a transaction."""
    rows = connection.execute("SELECT id FROM runs WHERE state = ?", (RUNNING,))
    running = {row[0] for row in rows}
    return [path for path in _entries(home / "work") if path.name not in running]


def finish_deletions(database: Database, home: Path) -> None:
    """Remove what is left of all that was deleted.

    Raises:
        StoreError: It can't be written.
    """
    with database.reading() as connection:
        rows = connection.execute("SELECT kind, name FROM deleted").fetchall()
    for row in rows:
        finish_deletion(database, home, row["kind"], row["name"])


def finish_deletion(database: Database, home: Path, kind: str, name: str) -> None:
    """Remove the files of a thing whose row is gone, and then the note of it.

    Raises:
        StoreError: A file can't be removed; the note stays.
    """
    noted = "SELECT inputs FROM deleted WHERE kind = ? AND name = ?"
    # In one transaction, so that nobody makes anew what is being removed.
    with database.writing() as connection:
        row = connection.execute(noted, (kind, name)).fetchone()
        again = connection.execute(f"SELECT 1 FROM {kind} WHERE id = ?", (name,)).fetchone()
        if row is not None and again is None:
            _remove(home, kind, name)
            forget_inputs(connection, home, row["inputs"])
        connection.execute("DELETE FROM deleted WHERE kind = ? AND name = ?", (kind, name))


def forget_inputs(connection: sqlite3.Connection, home: Path, inputs_hash: str) -> None:
    """Remove inputs that no run uses, inside a transaction, as new ones are written in one.

    Raises:
        StoreError: They can't be removed.
    """
    query = "SELECT 1 FROM runs WHERE inputs_hash = ? LIMIT 1"
    if inputs_hash and connection.execute(query, (inputs_hash,)).fetchone() is None:
        file = home / "inputs" / f"{inputs_hash}.npz"
        with as_store_error(file):
            file.unlink(missing_ok=True)


def unused_inputs(connection: sqlite3.Connection, home: Path) -> list[Path]:
    """Return the inputs that nobody uses, inside a transaction.

    Those of a folder whose row was lost are its own; where its record can't be read, nobody knows
    which, and all stay.
    """
    files = [path for path in _entries(home / "inputs") if path.suffix == ".npz"]
    named = "SELECT inputs_hash FROM runs UNION SELECT inputs FROM deleted"
    used = {row[0] for row in connection.execute(named)}
    unused = [path for path in files if path.stem not in used and not path.name.startswith(".")]
    if not unused:
        return []
    try:
        kept = {_inputs_of(folder) for folder in folders_without_row(connection, home)}
    except StoreError:
        return []
    return [path for path in unused if path.stem not in kept]


def folders_without_row(connection: sqlite3.Connection, home: Path) -> list[Path]:
    """Return the folders of runs that have neither a row nor a note of a deletion."""
    known = {row[0] for row in connection.execute("SELECT id FROM runs")}
    known |= {row[0] for row in connection.execute("SELECT name FROM deleted WHERE kind = 'runs'")}
    return [path for path in _entries(home / "runs") if path.is_dir() and path.name not in known]


def asides(home: Path, older_than: float = OLD_ASIDE) -> list[Path]:
    """Return the files that were being written when their process died.

    Args:
        home: The data folder.
        older_than: Seconds; what is younger may be in the making.
    """
    before = time.time() - older_than
    found = []
    for path in _walk(home):
        if _ASIDE.fullmatch(path.name):
            try:
                modified = path.stat().st_mtime
            except FileNotFoundError:
                continue
            found += [path] * (modified <= before)
    return found


def _inputs_of(folder: Path) -> str:
    try:
        return str(read_json(folder / RECORD)["spec"]["inputs_hash"])
    except (LookupError, TypeError) as error:
        raise StoreError(f"{folder / RECORD} is no record of a run") from error


def _remove(home: Path, kind: str, name: str) -> None:
    """Remove the files of a thing; a run's vanish at once, so that nobody sees half of it."""
    folder, aside = home / kind / name, home / "work" / name
    with as_store_error(folder):
        if kind == "runs" and folder.exists():
            shutil.rmtree(aside, ignore_errors=True)
            folder.replace(aside)
        for path in _paths(home, kind, name):
            if path.is_dir():
                _remove_folder(path)
            else:
                path.unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder that somebody else may be removing, too."""
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue


def _paths(home: Path, kind: str, name: str) -> list[Path]:
    """Return what there may be of a thing; of a run also what pages have worked out of it."""
    paths = copy_files(home, kind, name)
    if kind == "runs":
        looked_at = [home / "cache" / what for what in ("survival", "suspicion")]
        paths += [path for folder in looked_at for path in folder.glob(f"{name}-*")]
        return [*paths, home / "work" / name]
    if kind == "universal":
        paths.append(home / kind / f"{name}.json")
    return [*paths, home / kind / name] if kind in ("trainings", "universal") else paths


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _walk(home: Path) -> Iterator[Path]:
    """Yield the files below the data folder, the insides of finished runs left out."""
    for entry in _entries(home):
        if entry.is_dir():
            yield from (entry.glob(".*") if entry.name == "runs" else entry.rglob(".*"))
        else:
            yield entry
