"""What a review has come to, in plain words."""

from __future__ import annotations

from asma_core.attacks.registry import ATTACKS
from asma_core.reviews.questions import Question
from asma_core.reviews.rates import Rate
from asma_core.reviews.result import Result


def sentences(result: Result) -> list[str]:
    """Return what a review says so far."""
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
    words = f"{found.noticed} of {found.count} {'answer' if found.count == 1 else 'answers'}"
    return words if found.value is None else f"{words} ({percent(found.value)}, {interval(found)})"


def percent(value: float | None) -> str:
    """Return a share in per cent, or "n/a" when it is undefined."""
    return "n/a" if value is None else f"{round(100 * value)} %"


def interval(found: Rate) -> str:
    """Return a rate's interval in per cent, or "n/a" when it is undefined."""
    if found.low is None or found.high is None:
        return "n/a"
    return f"{round(100 * found.low)} to {round(100 * found.high)} %"


def attack_words(name: str) -> str:
    """Return an attack's name for people, or as the record has it when it is not there any more."""
    plain, _, rest = name.partition(", ")
    title = ATTACKS[plain].title if plain in ATTACKS else plain.upper()
    return f"{title}, {rest}" if rest else title
