"""Reviews as rows of the database: how they are read, and whether they can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from asma_core.errors import StoreError
from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.review import Answer, Item, Review

# `sqlite3.Row` is no Mapping, and is read like one.
Row = Any


def checked_review(row: Row, items: Sequence[Row]) -> Review:
    """Return a review.

    Args:
        row: Of the table `reviews`.
        items: Its rows of `review_items`, by place.

    Raises:
        InputError: Its question is none of those there are.
        StoreError: The rows are rubbish.
    """
    try:
        review = _review(row, items)
        kinds = set(review.question.kinds)
        whole = [item.place for item in review.items] == list(range(len(review.items)))
        known = all(item.kind in kinds and isinstance(item.facts, dict) for item in review.items)
        good = isinstance(review.created, float | int) and isinstance(review.seed, int)
    except (LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{type(error).__name__}: {str(error)[:80]}") from error
    if not (review.items and whole and known and good):
        raise StoreError("it is not whole")
    return review


def _review(row: Row, items: Sequence[Row]) -> Review:
    return Review(
        row["id"],
        row["created"],
        row["author"],
        row["title"],
        row["asks"],
        row["seed"],
        tuple(
            Item(one["place"], one["kind"], one["run"], one["image"], json.loads(one["facts"]))
            for one in items
        ),
    )


def answer_of_row(review: Review, row: Mapping[str, Any]) -> Answer | None:
    """Return an answer of a row that may be rubbish; None where it is no answer of the review."""
    try:
        answer = Answer(**{name: row[name] for name in Answer.__dataclass_fields__})
        good = 0 <= answer.place < len(review.items) and answer.answer in _sayable(review)
        good = good and isinstance(answer.reviewer, str) and bool(answer.reviewer)
        good = good and float(answer.seconds) >= 0 and float(answer.given) >= 0
    except (LookupError, TypeError, ValueError):
        return None
    return answer if good else None


def _sayable(review: Review) -> set[str]:
    question = review.question
    return {ATTACKED, ORIGINAL} if question.of_pairs else set(question.answers)
