"""The store of reviews: tables of the runs' database.

An answer is put in once and never changed, whoever comes second; so any number of processes may
use a store.
"""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.rights import check_asking, check_changing, check_judging
from asma_core.errors import InputError, StoreError, UnknownReviewError
from asma_core.reviews.making import items_of
from asma_core.reviews.questions import ATTACKED, ORIGINAL, find_question
from asma_core.reviews.review import Answer, Item, Review
from asma_core.reviews.rows import checked_review
from asma_core.runs.database import Database
from asma_core.runs.leftovers import finish_deletion
from asma_core.runs.row_copies import REVIEWS, copy_answer, copy_row
from asma_core.runs.run import Run
from asma_core.runs.texts import storable

LONGEST_NAME: Final = 60
LONGEST_TITLE: Final = 120
# A day: whoever needs longer for a picture has done something else.
LONGEST_SECONDS: Final = 24 * 3600.0


@dataclass(frozen=True)
class Heading:
    """A review in a list.

    Attributes:
        id: Of the review.
        created: Seconds since 1970.
        author: Who made it.
        title: What the author calls it.
        asks: Name of the question.
        items: How many there are.
        reviewers: How many have begun.
        answers: Of all of them.
    """

    id: str
    created: float
    author: str
    title: str
    asks: str
    items: int
    reviewers: int
    answers: int


_HEADINGS: Final = """
SELECT reviews.*,
    (SELECT count(*) FROM review_items WHERE review = reviews.id) AS items,
    (SELECT count(DISTINCT reviewer) FROM review_answers WHERE review = reviews.id) AS reviewers,
    (SELECT count(*) FROM review_answers WHERE review = reviews.id) AS answers
FROM reviews ORDER BY created DESC, rowid DESC LIMIT ?
"""


class ReviewStore:
    """The reviews of a data folder.

    Attributes:
        home: The data folder.
    """

    def __init__(self, home: Path | None = None) -> None:
        """Open the store of a data folder that has runs.

        Raises:
            StoreError: It can't be written, or is damaged.
        """
        self.home = home or paths.home()
        self._database = Database(self.home / "runs.sqlite")

    # What goes in ---------------------------------------------------------------------------

    def create(
        self, runs: Sequence[Run], asks: str, title: str = "", seed: int | None = None
    ) -> Review:
        """Make a review of runs.

        Args:
            runs: What is asked about; those that changed nothing are left out.
            asks: Name of the question.
            title: What to call it.
            seed: Of all orders; drawn unless given.

        Raises:
            InputError: No such question, or nothing is left to ask about.
            NotAllowedError: Who acts may not ask others.
        """
        author = check_asking().name
        items = items_of(runs, find_question(asks))
        number = secrets.randbits(62) if seed is None else seed
        with self._database.writing() as database:
            review_id = _free_id(database)
            database.execute(
                "INSERT INTO reviews (id, created, author, title, asks, seed) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (review_id, time.time(), author, cleaned(title, LONGEST_TITLE), asks, number),
            )
            database.executemany(
                "INSERT INTO review_items (review, place, kind, run, image, facts) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (review_id, one.place, one.kind, one.run, one.image, json.dumps(one.facts))
                    for one in items
                ],
            )
        # After it: a copy without a row is of a row that was lost, and of nothing else.
        with self._database.writing() as database:
            copy_row(database, self.home, REVIEWS, review_id)
        audit.record("ask", f"review {review_id}", self.home, items=len(items))
        return self.get(review_id)

    def answer(
        self, review: Review, reviewer: str, turn: int, pressed: str, seconds: float
    ) -> bool:
        """Take in an answer; False, and nothing is changed, where there is one already.

        Args:
            review: Whose item it is.
            reviewer: Who answers.
            turn: Place in the order of that reviewer, from 0.
            pressed: A value of the question's answers.
            seconds: From the picture's coming to the answer.

        Raises:
            InputError: The name is empty, or there is no such item or answer.
            NotAllowedError: Who acts may not judge.
        """
        check_judging()
        name = checked_name(reviewer)
        items = review.order(name)
        if not 0 <= turn < len(items) or pressed not in review.question.answers:
            raise InputError("this review has no such picture or answer; reload the page")
        item = items[turn]
        time_taken = min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else 0.0
        meant = _meant(review, name, item, pressed)
        answer = Answer(name, item.place, meant, pressed, time_taken, time.time())
        with self._database.writing() as database:
            query = "SELECT 1 FROM reviews WHERE id = ?"
            if database.execute(query, (review.id,)).fetchone() is None:
                raise _unknown(review.id)
            found = database.execute(
                "INSERT INTO review_answers (review, reviewer, place, answer, pressed, seconds, "
                "given) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (review.id, *astuple(answer)),
            )
            if found.rowcount == 1:
                copy_answer(database, self.home, review.id, asdict(answer))
        if found.rowcount == 1:
            audit.record("answer", f"review {review.id}", self.home)
        return found.rowcount == 1

    def delete(self, review_id: str) -> None:
        """Delete a review with all that was said in it.

        Raises:
            UnknownReviewError: There is none.
            NotAllowedError: It is somebody else's.
        """
        check_changing(self.get(review_id).author, f"review {review_id}")
        with self._database.writing() as database:
            # Triggers delete its items and answers, and note that its copy is to go.
            database.execute("DELETE FROM reviews WHERE id = ?", (review_id,))
        audit.record("delete", f"review {review_id}", self.home)
        finish_deletion(self._database, self.home, REVIEWS, review_id)

    # What comes out -------------------------------------------------------------------------

    def get(self, review_id: str) -> Review:
        """Return a review.

        Raises:
            UnknownReviewError: There is none of that id.
            StoreError: It is damaged.
        """
        with self._database.reading() as database:
            row = database.execute(
                "SELECT * FROM reviews WHERE id = ?", (storable(review_id),)
            ).fetchone()
            items = database.execute(
                "SELECT * FROM review_items WHERE review = ? ORDER BY place", (storable(review_id),)
            ).fetchall()
        if row is None:
            raise _unknown(review_id)
        try:
            return checked_review(row, items)
        except (InputError, StoreError) as error:
            raise StoreError(
                f"review {review_id} is damaged ({error}); `python -m asma_core store check "
                "--repair` mends it if its copy is whole"
            ) from error

    def newest(self, limit: int = 100) -> list[Heading]:
        """Return what there is, the newest first."""
        with self._database.reading() as database:
            rows = database.execute(_HEADINGS, (limit,)).fetchall()
        names = Heading.__dataclass_fields__
        return [Heading(**{name: row[name] for name in names}) for row in rows]

    def answers(self, review_id: str) -> list[Answer]:
        """Return all that was said in a review, in the order in which it was."""
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT reviewer, place, answer, pressed, seconds, given FROM review_answers "
                "WHERE review = ? ORDER BY given, rowid",
                (review_id,),
            ).fetchall()
        return [Answer(**dict(row)) for row in rows]

    def answered(self, review: Review, reviewer: str) -> frozenset[int]:
        """Return the turns of one reviewer that have an answer, as places in that order."""
        name = checked_name(reviewer)
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT place FROM review_answers WHERE review = ? AND reviewer = ?",
                (review.id, name),
            ).fetchall()
        places = {row["place"] for row in rows}
        order = review.order(name)
        return frozenset(turn for turn, item in enumerate(order) if item.place in places)

    def of_runs(self, run_ids: Collection[str]) -> list[str]:
        """Return the reviews with answers that ask about one of these runs, the newest first."""
        wanted = set(run_ids)
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT review_items.review, run FROM review_items "
                "JOIN reviews ON reviews.id = review_items.review "
                "WHERE EXISTS (SELECT 1 FROM review_answers WHERE review = reviews.id) "
                "ORDER BY reviews.created DESC"
            ).fetchall()
        return list(dict.fromkeys(row["review"] for row in rows if row["run"] in wanted))


def cleaned(text: str, longest: int) -> str:
    """Return a text as one line that SQLite can hold."""
    return storable(" ".join(text.split())[:longest])


def checked_name(reviewer: str) -> str:
    """Return a reviewer's name as it is kept.

    Raises:
        InputError: It is empty.
    """
    name = cleaned(reviewer, LONGEST_NAME)
    if not name:
        raise InputError("say who reviews: type a name")
    return name


def _meant(review: Review, reviewer: str, item: Item, pressed: str) -> str:
    """Return what was said by what was pressed: of a pair, which picture it was."""
    if not review.question.of_pairs:
        return pressed
    left = pressed == next(iter(review.question.answers))
    return ATTACKED if left == review.attacked_first(reviewer, item) else ORIGINAL


def _free_id(database: sqlite3.Connection) -> str:
    while True:
        review_id = secrets.token_hex(4)
        query = "SELECT 1 FROM reviews WHERE id = ? UNION SELECT 1 FROM deleted WHERE name = ?"
        if database.execute(query, (review_id, review_id)).fetchone() is None:
            return review_id


def _unknown(review_id: str) -> UnknownReviewError:
    return UnknownReviewError(
        f"no review is called {review_id!r}; the Review page lists those there are"
    )
