"""The store's SQLite file: its tables, and connections that say in a sentence what is wrong."""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from asma_core.errors import StoreError
from asma_core.runs.listing import follow
from asma_core.runs.migrations import known_version, migrate

# Seconds for the others to finish with the database.
LONGEST_WAIT: Final = 30.0


class Database:
    """One SQLite file in WAL mode, for any number of processes.

    Attributes:
        file: The file.
    """

    def __init__(self, file: Path) -> None:
        """Open the file, making it when absent.

        Raises:
            StoreError: It can't be written, is damaged, or of a newer program.
        """
        self.file = file
        with self._explained():
            # As long as one connection is open, the files beside the database stay, and a run can
            # be read and a few words written even when the disk is full.
            kept = self._connect()
            weakref.finalize(self, kept.close)
            _prepare(kept, file)
            kept.execute("SELECT count(*) FROM runs").fetchone()

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.file,
            timeout=LONGEST_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )
        database.row_factory = sqlite3.Row
        # A byte that is no text hides no other row.
        database.text_factory = _text
        return database

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.file} can't be used ({error}); check that its disk is not full and that "
                "you may write there"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection to read with."""
        with self._explained(), closing(self._connect()) as database:
            yield database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open a connection that alone may write until the block ends, all of it or nothing."""
        with self.reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                follow(database)
            except BaseException:
                # SQLite itself has rolled back when the disk is full.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


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
