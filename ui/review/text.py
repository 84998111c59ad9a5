"""What a review has come to, in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core.attacks.registry import ATTACKS
from asma_core.reviews.questions import Question
from asma_core.reviews.rates import Rate
from asma_core.reviews.result import Result, Row
from ui.common.errors import escape_markdown
from ui.common.format import number

# Wilson's interval is of answers that know nothing of each other.
OF_ANSWERS: Final = (
    "Intervals: 95 %, Wilson, of answers taken each for itself; several answers of one reviewer, "
    "or to one picture, hang together, so the true ones are rather wider."
)


def sentences(result: Result) -> list[str]:
    """Return what a review says so far, in plain words."""
    question, total = result.review.question, result.total
    said = [f"{question.rate} in {share(total.rate)}{_chance(question)}."]
    if result.originals is not None:
        said.append(f"Pictures as they were: {share(result.originals.rate)}.")
    if total.mean is not None and result.originals and result.originals.mean is not None:
        said.append(
            f"The mean answer is {total.mean:.1f} on attacked pictures and "
            f"{result.originals.mean:.1f} on those as they were."
        )
    if total.d_prime is not None:
        said.append(
            f"d' {total.d_prime:.2f}: 0 is guessing, with 1 three of four pairs are told right."
        )
    return said


def _chance(question: Question) -> str:
    return "" if question.chance is None else f"; {percent(question.chance)} is guessing"


def share(found: Rate) -> str:
    """Return a rate in words, such as "14 of 20 answers (70 %, 48 to 86 %)"."""
    words = f"{found.noticed} of {found.count} answers"
    if found.value is None or found.low is None or found.high is None:
        return words
    low, high = round(100 * found.low), round(100 * found.high)
    return f"{words} ({percent(found.value)}, {low} to {high} %)"


def percent(value: float | None) -> str:
    """Return a share in per cent, or "n/a" when it is undefined."""
    return "n/a" if value is None else f"{round(100 * value)} %"


def attack_words(name: str) -> str:
    """Return an attack's name for people, or as the record has it when it is not there any more."""
    plain, _, rest = name.partition(", ")
    title = ATTACKS[plain].title if plain in ATTACKS else plain.upper()
    return f"{title}, {rest}" if rest else title


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
    low, high = row.rate.low, row.rate.high
    interval = "n/a" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f} %"
    return [
        name,
        str(row.pictures),
        str(row.rate.count),
        percent(row.rate.value),
        interval,
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
