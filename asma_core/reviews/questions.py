"""What reviewers can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from asma_core.errors import UnknownNameError

# What an item is: both pictures of a run, or one of the two.
PAIR: Final = "pair"
ATTACKED: Final = "attacked"
ORIGINAL: Final = "original"


@dataclass(frozen=True)
class Question:
    """A question, and how its answers are read.

    Attributes:
        name: In records and addresses.
        title: For who makes a review.
        asked: What a reviewer reads.
        answers: What a reviewer can say, by the value that is sent, in their order.
        kinds: Of its items, out of `PAIR`, `ATTACKED` and `ORIGINAL`.
        outlined: Whether the network's prediction is drawn over the picture.
        noticed: The values that count in the rate; of a pair it is its attacked picture.
        rate: What the rate is called.
        chance: The rate of somebody who guesses; None where there is no such rate.
        ordinal: Whether the values have an order.
        nobody: What is said of a picture of which nobody gave such an answer.
        everybody: The same of one of which everybody did.
    """

    name: str
    title: str
    asked: str
    answers: Mapping[str, str]
    kinds: tuple[str, ...]
    outlined: bool
    noticed: frozenset[str]
    rate: str
    chance: float | None
    ordinal: bool
    nobody: str
    everybody: str

    @property
    def of_pairs(self) -> bool:
        """Whether both pictures of a run are shown beside each other."""
        return PAIR in self.kinds


_ENTRIES: Final = (
    Question(
        "choice",
        "Which of the two was tampered with?",
        "One of these two pictures was tampered with. Which one?",
        {"1": "The left one", "2": "The right one"},
        (PAIR,),
        False,
        frozenset({ATTACKED}),
        "Found",
        0.5,
        False,
        "Fooled everybody",
        "Fooled nobody",
    ),
    Question(
        "odd",
        "Is there anything odd here?",
        "Is there anything odd about this picture?",
        {"yes": "Yes", "no": "No"},
        (ATTACKED, ORIGINAL),
        False,
        frozenset({"yes"}),
        "Called odd",
        None,
        False,
        "Fooled everybody",
        "Fooled nobody",
    ),
    Question(
        "harm",
        "How bad would it be to act on this outline?",
        "How bad would it be to act on this outline?",
        {
            "1": "No harm",
            "2": "Little harm",
            "3": "Some harm",
            "4": "Serious harm",
            "5": "The worst",
        },
        (ATTACKED, ORIGINAL),
        True,
        frozenset({"4", "5"}),
        "Rated 4 or 5",
        None,
        True,
        "Rated 4 or 5 by nobody",
        "Rated 4 or 5 by everybody",
    ),
)
QUESTIONS: Final = {question.name: question for question in _ENTRIES}


def find_question(name: str) -> Question:
    """Return the question of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in QUESTIONS:
        raise UnknownNameError("question", name, QUESTIONS)
    return QUESTIONS[name]
