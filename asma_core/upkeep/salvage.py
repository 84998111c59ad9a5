"""Reading of a damaged database what can still be read."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from asma_core.errors import AsmaError
from asma_core.files import as_store_error
from asma_core.runs.database import Database, files_of
from asma_core.runs.leftovers import RECORD
from asma_core.runs.spec import spec_from_dict

TABLES: Final = (
    *("experiments", "experiment_cells", "trainings", "universal", "judged", "deleted", "runs"),
    *("reviews", "review_items", "review_answers"),
)


def take_over(before: Path, database: Database, home: Path, work: Path) -> tuple[int, list[str]]:
    """Give a new database the rows that can still be read of one of before, of any version.

    Args:
        before: The one of before; it is left as it is.
        database: Gets the rows.
        home: The data folder; a run whose row is rubbish and that has a folder is made of that.
        work: Where a copy may be made.

    Returns:
        How many runs were taken over, and what could not be, a sentence each.
    """
    count, problems = 0, []
    with TemporaryDirectory(dir=work) as folder:
        copy = _copied(before, Path(folder))
        for table in TABLES:
            with database.writing() as connection:
                for row in _readable(copy, table):
                    if table == "runs":
                        if _is_rubbish(row):
                            problems += _of_rubbish(row, home)
                            continue
                        count += 1
                    insert(connection, table, row)
    return count, problems


def insert(
    connection: sqlite3.Connection, table: str, values: Mapping[str, Any], *, replace: bool = False
) -> None:
    """Insert a row with the values whose columns there are.

    Args:
        connection: Inside a transaction.
        table: Gets the row.
        values: By column.
        replace: Whether one that is there already is replaced; it stays otherwise.
    """
    known = {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
    kept = {
        name: value
        for name, value in values.items()
        if name in known and isinstance(value, str | int | float)
    }
    names, places = ", ".join(kept), ", ".join("?" * len(kept))
    otherwise = "REPLACE" if replace else "IGNORE"
    query = f"INSERT OR {otherwise} INTO {table} ({names}) VALUES ({places})"
    connection.execute(query, tuple(kept.values()))


def _copied(before: Path, folder: Path) -> Path:
    """Copy a database with what is beside it: to read it may change it."""
    with as_store_error(folder):
        for path in files_of(before):
            if not path.name.endswith("-shm"):
                shutil.copyfile(path, folder / path.name)
    return folder / before.name


def _readable(file: Path, table: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table up to the first damage, and from the last one back to it."""
    seen: set[int] = set()
    for order in ("ASC", "DESC"):
        try:
            with closing(sqlite3.connect(file)) as connection:
                connection.row_factory = sqlite3.Row
                connection.text_factory = lambda data: data.decode("utf-8", "replace")
                query = f"SELECT rowid AS its_rowid, * FROM {table} ORDER BY rowid {order}"
                for row in connection.execute(query):
                    if row["its_rowid"] in seen:
                        return
                    seen.add(row["its_rowid"])
                    yield {name: row[name] for name in row.keys() if name != "its_rowid"}  # noqa: SIM118
                return
        except sqlite3.Error:
            continue


def _is_rubbish(row: Mapping[str, Any]) -> bool:
    try:
        spec_from_dict(json.loads(row["spec"]))
        return not isinstance(json.loads(row["results"]), dict)
    except (LookupError, TypeError, ValueError, AttributeError, AsmaError):
        return True


def _of_rubbish(row: Mapping[str, Any], home: Path) -> list[str]:
    name = str(row.get("id"))
    if (home / "runs" / name / RECORD).exists():
        return []
    return [f"the row of run {name[:40]!r} can't be read, and it has no folder; it is left out"]
