"""The store's SQLite file: its tables, and connections that say in a sentence what is wrong.

A data folder that can't be written is an archive: all of it can be read, and whatever writes says
why it can't.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Final
from urllib.parse import quote

from asma_core.errors import StoreError
from asma_core.files import as_store_error
from asma_core.runs.listing import has_changes
from asma_core.runs.migrations import VERSION, known_version, migrate
from asma_core.runs.schema import missing_parts
from asma_core.runs.transactions import transaction

# Seconds for the others to finish with the database.
LONGEST_WAIT: Final = 30.0
# Bytes that a change of a row takes at most, with its lists and indexes.
RESERVED: Final = 256 * 1024
# What SQLite keeps beside a database.
BESIDE: Final = ("-wal", "-shm", "-journal")
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_MEND: Final = (
    "`python -m asma_core store check` says what is wrong, `store reindex` makes it anew from the "
    "folders, and `store restore` takes a backup"
)


class Database:
    """One SQLite file in WAL mode, for any number of processes.

    Attributes:
        file: The file.
        read_only: Whether it can only be looked at.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, making it when absent.

        Raises:
            StoreError: It can't be written and is not there, is damaged, is gone while its runs
                are there, or is of a newer program.
        """
        self.file = file
        self.read_only = is_read_only(file)
        _check_not_lost(file)
        self._address = _as_address(file)
        with self._explained():
            if self.read_only:
                self._address = self._of_archive()
            # As long as one connection is open, the files beside the database stay, and a run can
            # be read and a few words written even when the disk is full.
            kept = self._connect()
            weakref.finalize(self, kept.close)
            if not self.read_only:
                _prepare(kept, file)
            _check_complete(kept, file)
        if not self.read_only:
            self._keep_reserve()

    def _keep_reserve(self) -> None:
        """Keep some room on the disk, so that how a job ended can be said when it is full."""
        reserve = self._reserve
        with suppress(OSError):
            if not reserve.exists():
                # Written, not only said to be so long: a file of nothing takes no room.
                reserve.write_bytes(bytes(range(256)) * (RESERVED // 256))

    def use_reserve(self) -> bool:
        """Give the room free that is kept for a full disk; False when there is none."""
        with suppress(OSError):
            self._reserve.unlink()
            return True
        return False

    @property
    def _reserve(self) -> Path:
        return self.file.with_name(".reserve")

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self._address,
            timeout=LONGEST_WAIT,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        database.row_factory = sqlite3.Row
        # A byte that is no text hides no other row.
        database.text_factory = _text
        # What is deleted is written over: the name of an image may be a patient's.
        database.execute("PRAGMA secure_delete = ON")
        return database

    def _of_archive(self) -> str:
        """Return the address to read an archive by.

        One that was not closed, or is of an older program, is read as a copy: neither can be made
        good where it is.
        """
        beside = self.file.with_name(self.file.name + "-wal")
        if not beside.exists() or not beside.stat().st_size:
            address = f"{_as_address(self.file)}?mode=ro&immutable=1"
            with closing(sqlite3.connect(address, uri=True)) as database:
                current = known_version(database, self.file) == VERSION
                if current and not has_changes(database):
                    return address
        folder = tempfile.TemporaryDirectory(prefix="asma-archive-")
        weakref.finalize(self, folder.cleanup)
        copy = Path(folder.name) / self.file.name
        with as_store_error(copy):
            for name in ("", "-wal"):
                source = self.file.with_name(self.file.name + name)
                if source.exists():
                    shutil.copyfile(source, copy.with_name(copy.name + name))
        with closing(sqlite3.connect(copy, isolation_level=None)) as database:
            database.row_factory = sqlite3.Row
            migrate(database, self.file)
        return _as_address(copy)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_reason(error, self.file)) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection to read with."""
        with self._explained(), closing(self._connect()) as database:
            yield database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a connection that alone may write until the block ends, all of it or nothing."""
        self.check_writable()
        with self.reading() as database, transaction(database):
            yield database

    def check_writable(self) -> None:
        """Check that something can be written.

        Raises:
            StoreError: It is an archive.
        """
        if self.read_only:
            raise StoreError(
                f"{self.file.parent} can't be written, so its runs can only be looked at; check "
                "its permissions, or set ASMA_HOME to a copy of it"
            )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def is_read_only(file: Path) -> bool:
    """Tell whether a database is there and can only be looked at."""
    return file.exists() and not (os.access(file.parent, os.W_OK) and os.access(file, os.W_OK))


def files_of(file: Path) -> list[Path]:
    """Return a database's file and those that SQLite keeps beside it, as far as they are there."""
    found = [file, *(file.with_name(file.name + ending) for ending in BESIDE)]
    return [path for path in found if path.exists()]


def _as_address(file: Path) -> str:
    return f"file:{quote(str(file))}"


def _check_not_lost(file: Path) -> None:
    """Check that no runs are there without their database: a new one would not show them."""
    home = file.parent
    left = chain((home / "runs").glob("*/run.json"), (home / "rows" / "runs").glob("*.json"))
    if file.exists() or next(left, None) is None:
        return
    raise StoreError(
        f"{file} is gone, but its runs are there; `python -m asma_core store reindex` makes it "
        "anew from them, or put the file back from a backup"
    )


def _check_complete(database: sqlite3.Connection, file: Path) -> None:
    missing = [part for part in missing_parts(database) if part.needed]
    if missing:
        raise StoreError(
            f"{file} lacks {missing[0].called}; `python -m asma_core store check --repair` adds it"
        )
    database.execute("SELECT count(*) FROM runs").fetchone()


def _reason(error: sqlite3.Error, file: Path) -> str:
    # Only what SQLite itself says has a code, of which the lower byte is the kind.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return f"{file} is damaged ({error}); {_MEND}"
    if code == sqlite3.SQLITE_FULL:
        return f"the disk that holds {file} is full ({error}); free some space and repeat"
    if "no such" in str(error):
        return f"{file} is incomplete ({error}); {_MEND}"
    return (
        f"{file} can't be used ({error}); check that its disk is not full and that you may write "
        "there"
    )


def _prepare(database: sqlite3.Connection, file: Path) -> None:
    """Make the tables when they are absent, and bring older ones up to date.

    Of several processes that turn a new file to WAL at once, SQLite sends some away at once
    instead of letting them wait.
    """
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            # Before anything is changed.
            known_version(database, file)
            database.execute("PRAGMA journal_mode=WAL")
            migrate(database, file)
            return
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
