"""What people said of a robustness report's runs, as a part of it."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from pathlib import Path

from asma_core.reviews.curves import curve_sentences
from asma_core.reviews.result import Result, of_runs
from asma_core.reviews.store import ReviewStore
from asma_core.reviews.words import attack_words, interval, percent, sentences


def what_people_said(home: Path, run_ids: Collection[str]) -> list[str]:
    """Return HTML: what each review says of these runs; nothing where none does.

    Args:
        home: The data folder.
        run_ids: Of the report.
    """
    reviews = ReviewStore(home)
    parts = []
    for review_id in reviews.of_runs(run_ids):
        review = reviews.get(review_id)
        result = of_runs(review, reviews.answers(review_id), set(run_ids))
        if result is not None:
            parts += _said(result)
    if not parts:
        return []
    note = (
        "Intervals: 95 %, of answers taken each for itself; of rates Wilson's, of the size of the "
        "change at which 75 % notice it that of the profile likelihood."
    )
    return ["<h2>What people noticed</h2>", *parts, f'<p class="small">{note}</p>']


def _said(result: Result) -> list[str]:
    review, people = result.review, len(result.reviewers)
    asked = f"{review.question.title} {people} {'reviewer' if people == 1 else 'reviewers'}"
    said = " ".join(sentences(result))
    curves = " ".join(curve_sentences(result))
    return [
        f"<h3>{escape(asked)}, review {review.id}</h3><p>{escape(said)}</p>",
        _table(result),
        *([f"<p>{escape(curves)}</p>"] * bool(curves)),
    ]


def _table(result: Result) -> str:
    head = ("Attack", "Pictures", "Answers", result.review.question.rate, "95 %")
    lines = [
        (
            attack_words(row.name),
            str(row.pictures),
            str(row.rate.count),
            percent(row.rate.value),
            interval(row.rate),
        )
        for row in result.attacks
    ]
    return (
        "<table><tr>"
        + "".join(f"<th>{escape(title)}</th>" for title in head)
        + "</tr>"
        + "".join(
            "<tr>" + "".join(f"<td>{escape(c)}</td>" for c in line) + "</tr>" for line in lines
        )
        + "</table>"
    )
