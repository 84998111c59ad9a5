"""The command `review`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asma_core.cli.arguments import count
from asma_core.files import write_bytes
from asma_core.reviews.curves import curve_sentences
from asma_core.reviews.figures import figures, figures_csv
from asma_core.reviews.questions import QUESTIONS
from asma_core.reviews.result import Result, result_of
from asma_core.reviews.store import Heading, ReviewStore
from asma_core.reviews.table import answers_csv
from asma_core.reviews.words import sentences
from asma_core.runs.store import RunStore


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    asked = parser.add_subparsers(dest="asked", required=True, metavar="WHAT")
    listed = _add(asked, "list", "list the reviews, the newest first")
    listed.add_argument("--limit", type=count, default=100, help="how many (100)")
    shown = _add(asked, "show", "say what a review has come to so far")
    table = _add(asked, "csv", "print what a review's answers are, a line each, as CSV")
    table.add_argument("--figures", action="store_true", help="its figures instead")
    table.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    for command in (shown, table):
        command.add_argument("review", metavar="ID", help="of the review, as `review list` has it")


def _add(asked: Any, name: str, told: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = asked.add_parser(name, help=told, description=f"{told}.")
    # Not to undo what stands before the name.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS)
    return parser


def run(options: argparse.Namespace) -> Any:
    """List reviews, or say what one has come to."""
    # Makes the folder where there is none.
    reviews = ReviewStore(RunStore().home)
    if options.asked == "list":
        return [_heading(one) for one in reviews.newest(options.limit)]
    review = reviews.get(options.review)
    result = result_of(review, reviews.answers(review.id))
    if options.asked == "show":
        return _shown(result)
    text = figures_csv(result) if options.figures else answers_csv(review, result.answers)
    if options.out is None:
        return text
    # As on the page: the mark at the start tells spreadsheets that the file is UTF-8.
    write_bytes(options.out.expanduser(), text.encode("utf-8-sig"))
    return {"file": str(options.out.expanduser()), "answers": len(result.answers)}


def _heading(one: Heading) -> dict[str, Any]:
    asked = QUESTIONS[one.asks].title if one.asks in QUESTIONS else one.asks
    return {
        "review": one.id,
        "title": one.title,
        "question": asked,
        "author": one.author,
        "made": _time(one.created),
        "items": one.items,
        "reviewers": one.reviewers,
        "answers": one.answers,
    }


def _shown(result: Result) -> dict[str, Any]:
    review = result.review
    return {
        "review": review.id,
        "title": review.title,
        "question": review.question.title,
        "author": review.author,
        "made": _time(review.created),
        "items": len(review.items),
        "answers": len(result.answers),
        "sentences": [*sentences(result), *curve_sentences(result)] if result.answers else [],
        **(figures(result) if result.answers else {}),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
