"""What the database of this program's version is made of, and what a file lacks of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from asma_core.runs.migrations import migrate

# Neither is asked for by name: without them all goes on, only slower or less tidy.
_SPARE: Final = ("index", "trigger")


@dataclass(frozen=True)
class Part:
    """A table, a column, an index or a trigger.

    Attributes:
        kind: "table", "column", "index" or "trigger".
        name: Its name.
        table: Whose it is.
        statement: SQL that makes it.
    """

    kind: str
    name: str
    table: str
    statement: str

    @property
    def called(self) -> str:
        """What it is, in words."""
        of = "" if self.kind == "table" else f" of {self.table}"
        return f"the {self.kind} {self.name}{of}"

    @property
    def needed(self) -> bool:
        """Whether the program can't go on without it."""
        return self.kind not in _SPARE


def missing_parts(database: sqlite3.Connection) -> list[Part]:
    """Return what a database of this version lacks, tables before what is theirs."""
    there, columns = _names(database), _columns(database)
    missing = []
    for part in expected_parts():
        if part.kind == "column":
            lost = part.table in columns and part.name not in columns[part.table]
        else:
            lost = (part.kind, part.name) not in there
        missing += [part] * lost
    return missing


@lru_cache(maxsize=1)
def expected_parts() -> tuple[Part, ...]:
    """Return what a new database has."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.row_factory = sqlite3.Row
        migrate(database, Path(":memory:"))
        rows = database.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL "
            "ORDER BY type = 'table' DESC, rowid"
        ).fetchall()
        parts = [Part(row["type"], row["name"], row["tbl_name"], row["sql"]) for row in rows]
        tables = [part.name for part in parts if part.kind == "table"]
        columns = [part for table in tables for part in _column_parts(database, table)]
    count = len(tables)
    return (*parts[:count], *columns, *parts[count:])


def _column_parts(database: sqlite3.Connection, table: str) -> list[Part]:
    return [
        Part("column", row["name"], table, f"ALTER TABLE {table} ADD COLUMN {_declared(row)}")
        for row in database.execute(f"PRAGMA table_info({table})")
    ]


def _declared(row: sqlite3.Row) -> str:
    """Return the declaration of a column that is added to rows that there are."""
    default = row["dflt_value"]
    if default is None and row["notnull"]:
        default = "0" if row["type"] in ("REAL", "INTEGER") else "''"
    words = [row["name"], row["type"], "NOT NULL" * bool(row["notnull"])]
    return " ".join(words) + (f" DEFAULT {default}" if default is not None else "")


def _names(database: sqlite3.Connection) -> set[tuple[str, str]]:
    return {(row[0], row[1]) for row in database.execute("SELECT type, name FROM sqlite_master")}


def _columns(database: sqlite3.Connection) -> Mapping[str, set[str]]:
    tables = {part.name for part in expected_parts() if part.kind == "table"}
    return {
        table: {str(row[1]) for row in rows}
        for table in tables
        if (rows := database.execute(f"PRAGMA table_info({table})").fetchall())
    }
