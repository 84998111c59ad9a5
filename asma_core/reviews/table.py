"""The answers of a review as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from asma_core.reviews.curves import MEASURES, curve_of
from asma_core.reviews.psychometric import Fit, Unfitted
from asma_core.reviews.questions import ORIGINAL
from asma_core.reviews.result import result_of
from asma_core.reviews.review import Answer, Item, Review
from asma_core.runs.export import csv_value

FACTS = ("attack", "survives", "norm", "model", "dataset", "l2", "linf", "ciede2000")
COLUMNS = (
    *("review", "question", "reviewer", "turn", "picture", "run", "image"),
    *FACTS,
    *("answer", "noticed", "pressed", "attacked_left", "seconds", "given"),
    *(f"curve_{measure}" for measure in MEASURES),
)


def answers_csv(review: Review, answers: Sequence[Answer]) -> str:
    """Return one line for each answer.

    `turn` is the place in the reviewer's own order, from 1; `image` is the start of the hash of the
    original; `noticed` is empty of an original in a pair's place, which there is none of;
    `curve_l2` and the like are the rate that the curve through all answers has at the size of this
    change, empty where the answers hold no curve.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    result = result_of(review, answers)
    curves = {measure: curve_of(result, measure) for measure in MEASURES}
    turns: dict[str, dict[int, int]] = {}
    for answer in answers:
        if answer.reviewer not in turns:
            order = review.order(answer.reviewer)
            turns[answer.reviewer] = {item.place: turn for turn, item in enumerate(order, 1)}
        row = _row(review, answer, turns[answer.reviewer][answer.place])
        row |= _on_curves(curves, review.items[answer.place])
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


def _on_curves(curves: Mapping[str, Fit | Unfitted | None], item: Item) -> dict[str, object]:
    return {
        f"curve_{measure}": round(curve.rate(float(item.facts[measure])), 4)
        if isinstance(curve, Fit) and item.facts.get(measure) is not None
        else None
        for measure, curve in curves.items()
    }


def _left(review: Review, answer: Answer, item: Item) -> bool | None:
    if not review.question.of_pairs:
        return None
    return review.attacked_first(answer.reviewer, item)
