"""Writing to the store's database: alone, all of it or nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from asma_core.runs.listing import follow


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Let a connection alone write until the block ends; the lists of runs follow."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        follow(database)
    except BaseException:
        # SQLite itself has rolled back when the disk is full.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
