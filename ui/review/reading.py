"""Who reads a result: a reviewer has answered before, as it tells which is which."""

from __future__ import annotations

from asma_core.accounts.account import REVIEWER
from asma_core.accounts.current import account
from asma_core.reviews.review import Review
from asma_core.reviews.store import checked_name
from ui.common import services
from ui.review.answering import signed_in
from ui.review.screen import gone_turns


def left_for(review: Review, reviewer: str) -> int:
    """Return how many pictures wait for an answer of somebody."""
    done = services.reviews().answered(review, reviewer)
    gone = gone_turns(review.order(checked_name(reviewer)))
    return len(review.items) - len(done | gone)


def is_still_blind(review_id: str) -> bool:
    """Tell whether who acts is a reviewer who has not answered everything yet.

    Where nobody signs in, nobody is known to be one.
    """
    name = signed_in()
    if not name or account().role != REVIEWER:
        return False
    return left_for(services.reviews().get(review_id), name) > 0
