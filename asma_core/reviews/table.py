"""The answers of a review as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from asma_core.reviews.questions import ORIGINAL
from asma_core.reviews.review import Answer, Item, Review
from asma_core.runs.export import csv_value

FACTS = ("attack", "survives", "norm", "model", "dataset", "l2", "linf", "ciede2000")
COLUMNS = (
    *("review", "question", "reviewer", "turn", "picture", "run", "image"),
    *FACTS,
    *("answer", "noticed", "pressed", "attacked_left", "seconds", "given"),
)


def answers_csv(review: Review, answers: Sequence[Answer]) -> str:
    """Return one line for each answer.

    `turn` is the place in the reviewer's own order, from 1; `image` is the start of the hash of the
    original; `noticed` is empty of an original in a pair's place, which there is none of.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    turns: dict[str, dict[int, int]] = {}
    for answer in answers:
        if answer.reviewer not in turns:
            order = review.order(answer.reviewer)
            turns[answer.reviewer] = {item.place: turn for turn, item in enumerate(order, 1)}
        row = _row(review, answer, turns[answer.reviewer][answer.place])
        writer.writerow({name: csv_value(value) for name, value in row.items()})
    return buffer.getvalue()


def _row(review: Review, answer: Answer, turn: int) -> dict[str, object]:
    item: Item = review.items[answer.place]
    return {
        "review": review.id,
        "question": review.asks,
        "reviewer": answer.reviewer,
        "turn": turn,
        "picture": item.kind,
        "run": "" if item.kind == ORIGINAL else item.run,
        "image": item.image[:12],
        **{name: item.facts.get(name) for name in FACTS},
        "answer": answer.answer,
        "noticed": answer.answer in review.question.noticed,
        "pressed": answer.pressed,
        "attacked_left": _left(review, answer, item),
        "seconds": round(answer.seconds, 3),
        "given": datetime.fromtimestamp(answer.given, UTC).isoformat(timespec="seconds"),
    }


def _left(review: Review, answer: Answer, item: Item) -> bool | None:
    if not review.question.of_pairs:
        return None
    return review.attacked_first(answer.reviewer, item)
