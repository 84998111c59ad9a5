"""The schema of the store's database: its versions, and the way from each to the next.

`PRAGMA user_version` says which one a file has. A file of before versions were counted says 0, and
has all tables of the first version or some of them. A version is never changed once released: what
comes later is a step of its own, at the end of `STEPS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from asma_core.errors import StoreError
from asma_core.runs.listing import has_changes, list_runs
from asma_core.runs.transactions import transaction

_FIRST: Final = (
    """CREATE TABLE IF NOT EXISTS runs (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        finished REAL,
        state TEXT NOT NULL,
        owner TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0,
        inputs_hash TEXT NOT NULL,
        spec TEXT NOT NULL,
        results TEXT NOT NULL DEFAULT '{}',
        message TEXT NOT NULL DEFAULT '',
        verdict TEXT NOT NULL DEFAULT '',
        note TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT ''
    )""",
    "CREATE INDEX IF NOT EXISTS runs_by_time ON runs (created)",
    "CREATE INDEX IF NOT EXISTS runs_by_state ON runs (state)",
    """CREATE TABLE IF NOT EXISTS experiments (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        plan TEXT NOT NULL,
        owner TEXT NOT NULL DEFAULT '',
        stop INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE IF NOT EXISTS experiment_cells (
        experiment TEXT NOT NULL,
        place INTEGER NOT NULL,
        run TEXT NOT NULL DEFAULT '',
        message TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (experiment, place)
    )""",
    """CREATE TABLE IF NOT EXISTS trainings (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        finished REAL,
        state TEXT NOT NULL,
        owner TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0,
        network TEXT NOT NULL DEFAULT '',
        figures TEXT NOT NULL DEFAULT '{}',
        message TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE IF NOT EXISTS universal (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        finished REAL,
        state TEXT NOT NULL,
        owner TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0,
        message TEXT NOT NULL DEFAULT ''
    )""",
)


def _first(database: sqlite3.Connection) -> None:
    """Make the tables of the first version; a file of before has some of them."""
    for statement in _FIRST:
        database.execute(statement)


def _people(database: sqlite3.Connection) -> None:
    """Say who made what, who judged it and when, and what belongs to one person alone."""
    for table in ("runs", "experiments", "trainings", "universal"):
        database.execute(f"ALTER TABLE {table} ADD COLUMN author TEXT NOT NULL DEFAULT ''")
    # Made of what one person brought: only that person sees it until it is shared.
    database.execute("ALTER TABLE runs ADD COLUMN private INTEGER NOT NULL DEFAULT 0")
    database.execute("ALTER TABLE runs ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0")
    # Kept when old runs are deleted.
    database.execute("ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0")
    database.execute("CREATE INDEX runs_by_author ON runs (author)")
    database.execute(
        """CREATE TABLE judged (
            run TEXT NOT NULL,
            field TEXT NOT NULL,
            author TEXT NOT NULL,
            at REAL NOT NULL,
            PRIMARY KEY (run, field)
        )"""
    )


def _turns(database: sqlite3.Connection) -> None:
    """Say in which order the queued jobs of one person come."""
    for table in ("runs", "trainings", "universal"):
        database.execute(f"ALTER TABLE {table} ADD COLUMN turn INTEGER NOT NULL DEFAULT 0")


def _reviews(database: sqlite3.Connection) -> None:
    """Keep what people are asked of runs, and what they said."""
    database.execute(
        """CREATE TABLE reviews (
            id TEXT PRIMARY KEY,
            created REAL NOT NULL,
            author TEXT NOT NULL,
            title TEXT NOT NULL,
            asks TEXT NOT NULL,
            seed INTEGER NOT NULL
        )"""
    )
    database.execute(
        """CREATE TABLE review_items (
            review TEXT NOT NULL,
            place INTEGER NOT NULL,
            kind TEXT NOT NULL,
            run TEXT NOT NULL,
            image TEXT NOT NULL,
            facts TEXT NOT NULL,
            PRIMARY KEY (review, place)
        )"""
    )
    database.execute("CREATE INDEX review_items_by_run ON review_items (run)")
    database.execute(
        """CREATE TABLE review_answers (
            review TEXT NOT NULL,
            reviewer TEXT NOT NULL,
            place INTEGER NOT NULL,
            answer TEXT NOT NULL,
            pressed TEXT NOT NULL,
            seconds REAL NOT NULL,
            given REAL NOT NULL,
            PRIMARY KEY (review, reviewer, place)
        )"""
    )


def _deletions(database: sqlite3.Connection) -> None:
    """Remember what was deleted until its files are gone, so that a crash leaves none of them."""
    database.execute(
        """CREATE TABLE deleted (
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            inputs TEXT NOT NULL DEFAULT '',
            PRIMARY KEY (kind, name)
        )"""
    )
    # Whoever deletes a row: it is noted in the same transaction.
    for kind in ("runs", "experiments", "trainings", "universal"):
        inputs = "OLD.inputs_hash" if kind == "runs" else "''"
        database.execute(
            f"CREATE TRIGGER {kind}_note_deletion AFTER DELETE ON {kind} BEGIN "
            f"INSERT OR REPLACE INTO deleted VALUES ('{kind}', OLD.id, {inputs}); END"
        )
    database.execute(
        "CREATE TRIGGER runs_forget_judgement AFTER DELETE ON runs BEGIN "
        "DELETE FROM judged WHERE run = OLD.id; END"
    )


def _review_deletions(database: sqlite3.Connection) -> None:
    """Note what was deleted of reviews too, whose copies lie in files; all of one goes with it."""
    database.execute(
        "CREATE TRIGGER reviews_note_deletion AFTER DELETE ON reviews BEGIN "
        "INSERT OR REPLACE INTO deleted VALUES ('reviews', OLD.id, ''); END"
    )
    database.execute(
        "CREATE TRIGGER reviews_forget_answers AFTER DELETE ON reviews BEGIN "
        "DELETE FROM review_answers WHERE review = OLD.id; "
        "DELETE FROM review_items WHERE review = OLD.id; END"
    )


# Each leads from the version of its place to the next.
STEPS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    _first,
    _people,
    list_runs,
    _turns,
    _reviews,
    _deletions,
    _review_deletions,
)
VERSION: Final = len(STEPS)


def migrate(database: sqlite3.Connection, file: Path) -> None:
    """Bring a database to the version of this program, all the way or not at all.

    Args:
        database: A connection outside a transaction; any number of processes may do this at once.
        file: The database's, for the sentence.

    Raises:
        StoreError: It is of a newer program.
    """
    if version(database) == VERSION and not has_changes(database):
        return
    # Its lists follow also what another program has changed, if one has.
    with transaction(database):
        # Somebody else may have done it while this one waited.
        known = known_version(database, file)
        for place, step in enumerate(STEPS[known:], known + 1):
            step(database)
            database.execute(f"PRAGMA user_version = {place}")


def known_version(database: sqlite3.Connection, file: Path) -> int:
    """Return the version of a database's schema; see `migrate` for the arguments and the error."""
    found = version(database)
    if found > VERSION:
        raise StoreError(
            f"{file} was written by a newer version of the workbench (schema {found}; this one "
            f"knows up to {VERSION}); upgrade the program, or restore a backup of before"
        )
    return found


def version(database: sqlite3.Connection) -> int:
    """Return the version of a database's schema."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])
