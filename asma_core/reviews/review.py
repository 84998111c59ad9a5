"""A review, its items, and what a reviewer is shown in which order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from asma_core.reviews.questions import ATTACKED, Question, find_question


@dataclass(frozen=True)
class Item:
    """One picture, or one pair of them, that is asked about.

    Attributes:
        place: Among the items of its review, from 0.
        kind: `PAIR`, `ATTACKED` or `ORIGINAL`.
        run: Whose files are shown.
        image: Tells images apart: a hash of the original.
        facts: Of the attack: attack, norm, model, dataset, l2, linf, ciede2000 of the 8-bit file;
            an original has model and dataset alone.
    """

    place: int
    kind: str
    run: str
    image: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Review:
    """A set of runs and a question, as it was made.

    Attributes:
        id: Eight hexadecimal digits.
        created: Seconds since 1970.
        author: Who made it.
        title: What the author calls it; reviewers never see it.
        asks: Name of the question.
        seed: Of all orders.
        items: In no order that a reviewer sees.
    """

    id: str
    created: float
    author: str
    title: str
    asks: str
    seed: int
    items: tuple[Item, ...]

    @cached_property
    def question(self) -> Question:
        """What is asked."""
        return find_question(self.asks)

    def order(self, reviewer: str) -> tuple[Item, ...]:
        """Return the items as one reviewer sees them: random, and the same at each call.

        Two pictures of one image do not follow each other while others are left: flipping from one
        to the other would show the change.
        """
        waiting = sorted(self.items, key=lambda item: self._draw("order", reviewer, item))
        ordered: list[Item] = []
        while waiting:
            last = ordered[-1].image if ordered else None
            others = (place for place, item in enumerate(waiting) if item.image != last)
            ordered.append(waiting.pop(next(others, 0)))
        return tuple(ordered)

    def attacked_first(self, reviewer: str, item: Item) -> bool:
        """Tell whether the left picture of a pair is the attacked one, for one reviewer."""
        return self._draw("side", reviewer, item)[0] % 2 == 0

    def code(self, item: Item, answer: str) -> int:
        """Return an answer as a number, for figures of agreement.

        A pair's pictures are called 0 and 1 at random, the same for all reviewers, the attacked
        ones as often either. Were the attacked one always 1, reviewers who find all of them would
        give one code alone, of which no coefficient can say whether it is more than chance.
        """
        if self.question.of_pairs:
            attacked_is = self._names[item.place]
            return attacked_is if answer == ATTACKED else 1 - attacked_is
        return list(self.question.answers).index(answer)

    @cached_property
    def _names(self) -> dict[int, int]:
        """The number that stands for the attacked picture of each pair."""
        drawn = sorted(self.items, key=lambda item: self._draw("name", "", item))
        return {item.place: rank % 2 for rank, item in enumerate(drawn)}

    def _draw(self, purpose: str, reviewer: str, item: Item) -> bytes:
        """Return bytes that hang on the seed, as random as a hash; the same in each Python."""
        text = f"{self.seed}\0{purpose}\0{reviewer}\0{item.place}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True)
class Answer:
    """What one reviewer said of one item; never changed.

    Attributes:
        reviewer: The name.
        place: Of the item.
        answer: Of a pair `ATTACKED` or `ORIGINAL`, the picture that was named; else the value.
        pressed: What was pressed: of a pair "1" for the left one.
        seconds: From the picture's coming to the answer, while the page was in sight.
        given: Seconds since 1970.
    """

    reviewer: str
    place: int
    answer: str
    pressed: str
    seconds: float
    given: float
