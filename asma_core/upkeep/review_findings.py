"""What is wrong with reviews: rows that can't be read, copies without a row, answers of none."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from asma_core.errors import StoreError
from asma_core.reviews.rows import answer_of_row
from asma_core.runs.database import Database
from asma_core.runs.row_copies import REVIEWS, copy_file
from asma_core.upkeep.finding import Finding, listed
from asma_core.upkeep.review_rows import (
    lacks_answers,
    review_at,
    reviews_without_row,
    take_in_reviews,
    why_bad,
)
from asma_core.upkeep.row_findings import still

_PARTS: Final = ("review_items", "review_answers")
_NO_MORE: Final = "restore it from a backup"
_OF_NONE: Final = "WHERE review NOT IN (SELECT id FROM reviews)"


def review_findings(database: Database, home: Path) -> Iterator[Finding]:
    """Yield what is wrong with the reviews of a database that can be opened."""
    with still(database) as connection:
        names = [str(row["id"]) for row in connection.execute("SELECT id FROM reviews")]
        bad = {name: why for name in names if (why := why_bad(connection, name))}
        odd = [name for name in names if name not in bad and _has_odd_answers(connection, name)]
        fewer = [
            name for name in names if name not in bad and lacks_answers(connection, home, name)
        ]
        lost = reviews_without_row(connection, home)
        of_none = sum(_count(connection, table) for table in _PARTS)
    for name, why in bad.items():
        yield _bad(database, home, name, why)
    for name in odd:
        yield Finding(f"some answers of review {name} can't be read; {_NO_MORE}")
    if fewer:
        yield Finding(
            f"answers of these reviews are in their copies alone: {listed(fewer)}",
            lambda: _take_in(database, home, fewer),
        )
    # Before the answers of none, as it may bring back what they are answers to.
    if lost:
        yield Finding(
            f"these reviews have no row: {listed(lost)}", lambda: _take_in(database, home, lost)
        )
    if of_none:
        yield Finding(
            f"pictures and answers of reviews that there are not: {of_none}",
            lambda: _forget(database),
        )


def _bad(database: Database, home: Path, name: str, why: str) -> Finding:
    words = f"the row of review {name} can't be read ({why})"
    if copy_file(home, REVIEWS, name).exists():
        return Finding(words, lambda: _take_in(database, home, [name]))
    return Finding(f"{words}; {_NO_MORE}")


def _has_odd_answers(connection: sqlite3.Connection, name: str) -> bool:
    query = "SELECT * FROM review_answers WHERE review = ?"
    review = review_at(connection, name)
    said = connection.execute(query, (name,))
    return any(answer_of_row(review, dict(one)) is None for one in said)


def _count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table} {_OF_NONE}").fetchone()[0])


def _take_in(database: Database, home: Path, names: Collection[str]) -> None:
    """Take in reviews of their copies.

    Raises:
        StoreError: Not all that they say could be.
    """
    _, problems = take_in_reviews(database, home, names)
    if problems:
        raise StoreError("; ".join(problems))


def _forget(database: Database) -> None:
    with database.writing() as connection:
        for table in _PARTS:
            connection.execute(f"DELETE FROM {table} {_OF_NONE}")
