"""The reviews that there are, and the form of a new one."""

from __future__ import annotations

import streamlit as st

from asma_core.accounts.account import ENGINEER
from asma_core.accounts.current import account
from asma_core.accounts.rights import check_asking
from asma_core.reviews.questions import QUESTIONS
from asma_core.reviews.store import Heading
from ui.address.links import inner_link
from ui.address.views import ReviewView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.format import moment
from ui.common.fresh_view import fresh_view
from ui.review.form import review_form
from ui.review.reading import is_still_blind

WHAT = (
    "Would anybody notice? People look at one picture after another, blind to attack and figures, "
    "and say what they see; the result says how often it was noticed, and how far they agree."
)


def review_list(runs: tuple[str, ...]) -> None:
    """Show the form and, below it, what was asked before.

    Args:
        runs: Those that a new review is to be made of; none leaves the choice to the form.
    """
    with fresh_view("review", "list"):
        st.title("Review", anchor=False)
        st.markdown(WHAT, width=760)
        # First, as a store that can't be opened is said once.
        known = services.reviews().newest()
        may_ask = account().is_at_least(ENGINEER)
        if may_ask:
            with st.container(border=True), show_errors():
                review_form(runs)
        elif runs:
            with show_errors():
                check_asking()
        if known:
            st.subheader("Earlier" if may_ask else "Reviews", anchor=False)
        elif not may_ask:
            st.info("Nobody has made a review yet.", icon=":material/info:")
        for heading in known:
            # One that is damaged hides no other.
            with show_errors():
                _line(heading)


def title_of(title: str, asks: str) -> str:
    """Return what a review is called."""
    return title or QUESTIONS[asks].title


def _line(one: Heading) -> None:
    if one.asks not in QUESTIONS:
        # Raises what is wrong with it.
        services.reviews().get(one.id)
    blind = is_still_blind(one.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        title = "" if blind else one.title
        words = f"**{escape_markdown(title_of(title, one.asks))}**"
        inner_link(ReviewView(one.id, take=blind), words, f"review-{one.id}")
        if blind:
            st.badge("waits for you", icon=":material/visibility:", color="blue")
        people = "1 reviewer" if one.reviewers == 1 else f"{one.reviewers} reviewers"
        question = QUESTIONS[one.asks]
        asked = f"{question.title} " if title else ""
        things = "pairs" if question.of_pairs else "pictures"
        st.caption(
            f"{asked}{one.items} {things}, {people}, {one.answers} answers, {moment(one.created)}",
            width="stretch",
        )
