"""What a review has come to, as tables and lines of a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core.reviews.questions import Question
from asma_core.reviews.result import Result, Row
from asma_core.reviews.words import interval, percent
from ui.common.errors import escape_markdown
from ui.common.format import number

# Wilson's interval is of answers that know nothing of each other.
OF_ANSWERS: Final = (
    "Intervals: 95 %, Wilson, of answers taken each for itself; several answers of one reviewer, "
    "or to one picture, hang together, so the true ones are rather wider."
)


def table(first: str, rows: Sequence[tuple[str, Row]], question: Question) -> str:
    """Return rows as a table in Markdown.

    Args:
        first: Heading of the first column.
        rows: Each with what it is called.
        question: What was asked.
    """
    middle = "Mean" if question.ordinal else "d'"
    head = [first, "Pictures", "Answers", question.rate, "95 %", middle, "Median time"]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    lines += [_line(escape_markdown(name), row, question) for name, row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(name: str, row: Row, question: Question) -> list[str]:
    return [
        name,
        str(row.pictures),
        str(row.rate.count),
        percent(row.rate.value),
        interval(row.rate),
        number(row.mean, 1) if question.ordinal else number(row.d_prime, 2),
        "n/a" if row.seconds is None else f"{row.seconds:.1f} s",
    ]


def agreement_lines(result: Result) -> list[str]:
    """Return the coefficients in words; none with fewer than two reviewers."""
    return [
        f"{name} {number(found.value, 2)}, of {found.items} "
        f"{'item' if found.items == 1 else 'items'}"
        for name, found in result.agreement.items()
    ]
