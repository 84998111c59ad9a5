"""Reviews made up for tests: runs through the store's own doors, and what people say of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from asma_core.reviews.questions import ATTACKED, ORIGINAL
from asma_core.reviews.review import Answer, Item, Review
from asma_core.reviews.store import ReviewStore
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from tests.pages import made_runs
from tests.pages.made_runs import Made


def runs(home: RunStore, count: int = 4, size: int = 32) -> list[Run]:
    """Make runs of as many images, by ASMA and PGD in turn, each change larger than the last."""
    return [
        made_runs.finished(
            home,
            Made(
                attack=("asma", "pgd")[place % 2],
                image_name=f"patient-{place}.png",
                l2=1.0 + place,
            ),
            size=size,
            seed=place,
        )
        for place in range(count)
    ]


def pressed_for(review: Review, reviewer: str, item: Item, answer: str) -> str:
    """Return what a reviewer presses to say something of an item."""
    if not review.question.of_pairs:
        return answer
    return "1" if (answer == ATTACKED) == review.attacked_first(reviewer, item) else "2"


def answer_all(
    store: ReviewStore, review: Review, reviewer: str, says: Callable[[Item], str]
) -> None:
    """Have a reviewer answer everything; of a pair `ATTACKED` or `ORIGINAL` is said."""
    for turn, item in enumerate(review.order(reviewer)):
        pressed = pressed_for(review, reviewer, item, says(item))
        assert store.answer(review, reviewer, turn, pressed, 2.0 + turn)


def right(_: Item) -> str:
    return ATTACKED


def wrong(_: Item) -> str:
    return ORIGINAL


def drawn(
    review: Review, people: int, rate: Callable[[Item], float], seed: int = 0
) -> list[Answer]:
    """Draw what people say of all items, each of them noticed with a probability of its own."""
    random = np.random.default_rng(seed)
    yes, no = (ATTACKED, ORIGINAL) if review.question.of_pairs else ("yes", "no")
    return [
        Answer(
            f"person {person}",
            item.place,
            yes if random.random() < rate(item) else no,
            "1",
            1.0,
            1.0,
        )
        for person in range(people)
        for item in review.items
    ]
