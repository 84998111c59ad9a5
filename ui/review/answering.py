"""Who answers, and taking in what they say."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from asma_core.accounts.current import account
from asma_core.errors import InputError
from asma_core.reviews.store import ReviewStore
from ui.common.outbox import Hearer
from ui.common.sign_in import people_sign_in

# Of the outbox; see `ui.common.outbox`.
FIELD: Final = "review"


def signed_in() -> str:
    """Return the name under which somebody answers who has signed in; "" where nobody does."""
    return account().name if people_sign_in() else ""


def answer_hearers(store: Callable[[], ReviewStore]) -> dict[str, Hearer]:
    """Return what takes in the answers of reviewers; see `ui.common.outbox`.

    Args:
        store: Returns the store that the reviews are in.
    """
    return {FIELD: partial(_take_in, store)}


def about(review: str, turn: int, reviewer: str) -> str:
    """Return what an answer is said of, as the browser says it too."""
    return f"{review} {turn} {reviewer}"


def _take_in(store: Callable[[], ReviewStore], said_of: str, value: Any) -> None:
    """Keep an answer; one that was given before stays, whoever says another.

    Raises:
        InputError: It is of somebody else, or means nothing.
    """
    review_id, _, rest = said_of.partition(" ")
    turn, _, reviewer = rest.partition(" ")
    if signed_in() not in ("", reviewer):
        raise InputError(f"this was answered by {reviewer}, who is not signed in any more")
    if not turn.isdecimal() or not isinstance(value, dict):
        raise InputError("the answer can't be read; reload the page")
    seconds = value.get("seconds")
    taken = float(seconds) if isinstance(seconds, int | float) else 0.0
    reviews = store()
    review = reviews.get(review_id)
    reviews.answer(review, reviewer, int(turn), str(value.get("answer")), taken)
