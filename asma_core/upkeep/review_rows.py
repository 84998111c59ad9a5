"""Rows of reviews, made of the copies that lie beside the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from asma_core.errors import InputError, StoreError
from asma_core.reviews.review import Review
from asma_core.reviews.rows import answer_of_row, checked_review
from asma_core.runs.database import Database
from asma_core.runs.row_copies import FOLDER, REVIEWS, copy_file, read_answers, read_copy
from asma_core.upkeep.salvage import insert


def take_in_reviews(
    database: Database, home: Path, names: Collection[str] | None = None
) -> tuple[list[str], list[str]]:
    """Give reviews their rows again, and those that lost some of theirs the rest.

    Args:
        database: Gets the rows; of a review that can be read, all stay that there are.
        home: The data folder.
        names: Of the reviews; all that have a copy by default.

    Returns:
        The reviews that were made of their copies, and what could not be read, a sentence each.
    """
    taken_in, problems = [], []
    with database.writing() as connection:
        for name in _copied(connection, home):
            if names is not None and name not in names:
                continue
            try:
                review = _review(home, name)
            except (InputError, StoreError) as error:
                problems.append(f"{copy_file(home, REVIEWS, name)} is no review ({error})")
                continue
            if why_bad(connection, name):
                _make(connection, home, name)
                taken_in.append(name)
            problems += _answers(connection, home, review)
    return taken_in, problems


def why_bad(connection: sqlite3.Connection, name: str) -> str:
    """Return why a review can't be read of its rows; "" of one that can."""
    try:
        review_at(connection, name)
    except (InputError, StoreError) as error:
        return str(error)
    return ""


def review_at(connection: sqlite3.Connection, name: str) -> Review:
    """Return a review of its rows.

    Raises:
        InputError, StoreError: They can't be read; see `checked_review`.
    """
    row = connection.execute("SELECT * FROM reviews WHERE id = ?", (name,)).fetchone()
    query = "SELECT * FROM review_items WHERE review = ? ORDER BY place"
    return checked_review(row, connection.execute(query, (name,)).fetchall())


def reviews_without_row(connection: sqlite3.Connection, home: Path) -> list[str]:
    """Return the reviews that have a copy, and neither a row nor a note of a deletion."""
    known = {row[0] for row in connection.execute("SELECT id FROM reviews")}
    return [name for name in _copied(connection, home) if name not in known]


def lacks_answers(connection: sqlite3.Connection, home: Path, name: str) -> bool:
    """Tell whether the copy of a review has answers that its rows have not.

    Answers are never taken back: a crash came between the two, or rows were lost.
    """
    review = review_at(connection, name)
    query = "SELECT reviewer, place FROM review_answers WHERE review = ?"
    known = {tuple(row) for row in connection.execute(query, (name,))}
    said = (answer_of_row(review, one) for one in read_answers(home, name))
    return any(one is not None and (one.reviewer, one.place) not in known for one in said)


def _copied(connection: sqlite3.Connection, home: Path) -> list[str]:
    query = "SELECT name FROM deleted WHERE kind = ?"
    deleted = {row[0] for row in connection.execute(query, (REVIEWS,))}
    names = [file.stem for file in sorted((home / FOLDER / REVIEWS).glob("[!.]*.json"))]
    return [name for name in names if name not in deleted]


def _review(home: Path, name: str) -> Review:
    copy = read_copy(home, REVIEWS, name)
    if copy.get("id") != name:
        raise StoreError("it says nothing of its own")
    return checked_review(copy, copy.get("items", []))


def _make(connection: sqlite3.Connection, home: Path, name: str) -> None:
    """Make the rows of a review, in the place of those that can't be read."""
    copy = read_copy(home, REVIEWS, name)
    connection.execute("DELETE FROM review_items WHERE review = ?", (name,))
    insert(connection, "reviews", copy, replace=True)
    for item in copy["items"]:
        insert(connection, "review_items", {**item, "review": name})


def _answers(connection: sqlite3.Connection, home: Path, review: Review) -> list[str]:
    said = [answer_of_row(review, one) for one in read_answers(home, review.id)]
    for answer in said:
        if answer is not None:
            insert(connection, "review_answers", {**asdict(answer), "review": review.id})
    bad = said.count(None)
    return [f"review {review.id}: {bad} of its answers can't be read"] * bool(bad)
