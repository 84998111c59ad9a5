"""What the answers of a review come to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from asma_core.reviews.agreement import Agreement, Codes, cohen, fleiss, krippendorff
from asma_core.reviews.making import FIGURES
from asma_core.reviews.questions import ORIGINAL
from asma_core.reviews.rates import Bin, Rate, binned, d_prime_choice, d_prime_yes_no, rate
from asma_core.reviews.review import Answer, Item, Review

# Name of the line over all attacked pictures.
ALL: Final = "all"


@dataclass(frozen=True)
class Row:
    """A line of a table: what was said of some pictures, or by one reviewer.

    Attributes:
        name: Of the line.
        pictures: How many were answered; of pairs, how many pairs.
        rate: Of the answers that noticed it.
        d_prime: How well attacked pictures were told from originals; None where that can't be said.
        mean: Of the answers, where they have an order.
        seconds: The median time of an answer.
    """

    name: str
    pictures: int
    rate: Rate
    d_prime: float | None
    mean: float | None
    seconds: float | None


@dataclass(frozen=True)
class Seen:
    """A picture with what was said of it.

    Attributes:
        item: The picture.
        noticed: How many answers noticed it.
        count: Of how many.
    """

    item: Item
    noticed: int
    count: int


@dataclass(frozen=True)
class Result:
    """What a review has come to so far.

    Attributes:
        review: The review.
        answers: All of them.
        total: Over all attacked pictures.
        originals: Over those that nobody changed; None where none is asked about.
        attacks: A line for each attack.
        norms: A line for each norm that was to be small.
        reviewers: A line for each reviewer, over attacked pictures.
        agreement: Each coefficient by its name.
        curves: The rate over the size of the change, by the name of its measure.
        fooled: The attacked pictures that nobody noticed.
        noticed: Those that everybody did.
    """

    review: Review
    answers: tuple[Answer, ...]
    total: Row
    originals: Row | None
    attacks: tuple[Row, ...]
    norms: tuple[Row, ...]
    reviewers: tuple[Row, ...]
    agreement: dict[str, Agreement]
    curves: dict[str, tuple[Bin, ...]]
    fooled: tuple[Seen, ...]
    noticed: tuple[Seen, ...]


def result_of(review: Review, answers: Sequence[Answer]) -> Result:
    """Return what answers come to."""
    tally = _Tally(review, answers)
    attacked = [answer for answer in answers if tally.item(answer).kind != ORIGINAL]
    seen = tally.seen(attacked)
    return Result(
        review,
        tuple(answers),
        tally.row(ALL, attacked),
        tally.row(ORIGINAL, tally.originals) if ORIGINAL in review.question.kinds else None,
        tally.rows(attacked, lambda answer: attack_of(tally.item(answer))),
        tally.rows(attacked, lambda answer: str(tally.item(answer).facts["norm"])),
        tally.rows(attacked, lambda answer: answer.reviewer),
        agreement(review, answers),
        {name: tally.curve(name, attacked) for name in FIGURES},
        tuple(one for one in seen if one.noticed == 0),
        tuple(one for one in seen if one.noticed == one.count),
    )


def of_runs(review: Review, answers: Iterable[Answer], run_ids: Collection[str]) -> Result | None:
    """Return what is said of some runs and of all originals; None where nothing is said of them."""
    items = review.items
    own = [
        answer
        for answer in answers
        if items[answer.place].kind == ORIGINAL or items[answer.place].run in run_ids
    ]
    result = result_of(review, own)
    return result if result.total.rate.count else None


def attack_of(item: Item) -> str:
    """Return the name of an item's attack; one that was made to survive is another."""
    name = str(item.facts["attack"])
    return f"{name}, made to survive" if item.facts.get("survives") else name


def agreement(review: Review, answers: Iterable[Answer]) -> dict[str, Agreement]:
    """Return the coefficients that fit the number of reviewers and the kind of answer."""
    codes = _codes(review, answers)
    if len(codes) < 2:
        return {}
    ordinal = review.question.ordinal
    found: dict[str, Agreement] = {}
    if len(codes) == 2:
        found["Cohen's kappa"] = cohen(codes)
        if ordinal:
            found["Cohen's kappa, squared weights"] = cohen(codes, squared=True)
    else:
        found["Fleiss' kappa"] = fleiss(codes)
    return found | {"Krippendorff's alpha": krippendorff(codes, ordinal)}


def _codes(review: Review, answers: Iterable[Answer]) -> Codes:
    """Return what each reviewer said of each item, as numbers."""
    said: dict[str, list[int | None]] = {}
    for answer in answers:
        own = said.setdefault(answer.reviewer, [None] * len(review.items))
        own[answer.place] = review.code(review.items[answer.place], answer.answer)
    return list(said.values())


class _Tally:
    """Counts answers of one review."""

    def __init__(self, review: Review, answers: Iterable[Answer]) -> None:
        self._review = review
        self._question = review.question
        self.originals = [one for one in answers if self.item(one).kind == ORIGINAL]

    def item(self, answer: Answer) -> Item:
        return self._review.items[answer.place]

    def notices(self, answer: Answer) -> bool:
        return answer.answer in self._question.noticed

    def rate(self, answers: Sequence[Answer]) -> Rate:
        return rate(sum(map(self.notices, answers)), len(answers))

    def row(self, name: str, answers: Sequence[Answer]) -> Row:
        return Row(
            name,
            len({answer.place for answer in answers}),
            self.rate(answers),
            self._d_prime(answers),
            statistics.fmean(int(one.answer) for one in answers)
            if self._question.ordinal and answers
            else None,
            statistics.median(one.seconds for one in answers) if answers else None,
        )

    def rows(self, answers: Sequence[Answer], key: Callable[[Answer], str]) -> tuple[Row, ...]:
        groups: dict[str, list[Answer]] = {}
        for answer in answers:
            groups.setdefault(key(answer), []).append(answer)
        return tuple(self.row(name, groups[name]) for name in sorted(groups))

    def _d_prime(self, answers: Sequence[Answer]) -> float | None:
        """Return d'; the false alarms are those of the same reviewers."""
        if self._question.of_pairs:
            return d_prime_choice(self.rate(answers))
        if self._question.ordinal or any(self.item(one).kind == ORIGINAL for one in answers):
            return None
        people = {answer.reviewer for answer in answers}
        clean = [answer for answer in self.originals if answer.reviewer in people]
        return d_prime_yes_no(self.rate(answers), self.rate(clean))

    def curve(self, measure: str, answers: Sequence[Answer]) -> tuple[Bin, ...]:
        known = [one for one in answers if self.item(one).facts.get(measure) is not None]
        changes = [float(self.item(one).facts[measure]) for one in known]
        return binned(changes, [self.notices(one) for one in known])

    def seen(self, answers: Sequence[Answer]) -> list[Seen]:
        groups: dict[int, list[Answer]] = {}
        for answer in answers:
            groups.setdefault(answer.place, []).append(answer)
        return [
            Seen(self._review.items[place], self.rate(own).noticed, len(own))
            for place, own in sorted(groups.items())
        ]
