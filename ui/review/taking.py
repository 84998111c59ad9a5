"""Answering a review: who does it, one picture after another, and the thanks."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.accounts.rights import check_judging
from asma_core.errors import AsmaError
from asma_core.reviews.review import Review
from asma_core.reviews.store import LONGEST_NAME, checked_name
from ui.address import browser as address
from ui.address.links import inner_link
from ui.address.views import ReviewView
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.fresh_view import fresh_view
from ui.common.rerun import whole
from ui.common.shell import name_tab
from ui.review.answering import signed_in
from ui.review.reading import left_for
from ui.review.screen import review_screen

BEGUN: Final = "review-begun"
NAME: Final = "review-name"
KEYS: Final = {
    "choice": "Keys: 1 or the left arrow for the left one, 2 or the right arrow for the right one.",
    "odd": "Keys: Y for yes, N for no.",
    "harm": "Keys: 1 for no harm, up to 5 for the worst.",
}
ABOUT: Final = (
    "Say what you see; there is no going back. Zoom with + and -, with two fingers, or with the "
    "wheel after a click on the picture. You can stop at any time: what you have answered is kept, "
    "and the same link goes on where you stopped."
)


def take_review(review_id: str, asked: str) -> None:
    """Let somebody answer a review.

    Nothing on this page says what the pictures are, nor what the review is called.

    Args:
        review_id: The review.
        asked: Who answers, from the address; it counts where nobody signs in.

    Raises:
        UnknownReviewError: There is none of that id.
    """
    name_tab("Review")
    check_judging()
    review = services.reviews().get(review_id)
    reviewer = signed_in() or asked
    begun = bool(reviewer) and st.session_state.get(BEGUN) == (review.id, reviewer)
    with fresh_view("review", review.id, reviewer, str(begun)), show_errors():
        if not reviewer:
            _entrance(review)
        elif not left_for(review, reviewer):
            _thanks(review, reviewer)
        elif begun:
            answered = services.reviews().answered(review, reviewer)
            review_screen(review, checked_name(reviewer), answered)
        else:
            _go_on(review, reviewer)


def _entrance(review: Review) -> None:
    """Ask for a name where nobody signs in, so that two people at one computer are told apart."""
    _asked(review)
    with st.form("review-entrance", border=False, width=420):
        st.text_input(
            "Your name",
            key=NAME,
            max_chars=LONGEST_NAME,
            help="It stands beside your answers. With the same name you go on where you stopped.",
        )
        st.form_submit_button(
            "Begin",
            type="primary",
            icon=":material/play_arrow:",
            key="review-enter",
            on_click=whole(_enter),
            args=(review.id,),
        )


def _enter(review_id: str) -> None:
    try:
        name = checked_name(st.session_state[NAME])
    except AsmaError as error:
        show_error(error)
        return
    address.change(ReviewView, reviewer=name)
    _begin(review_id, name)


def _begin(review_id: str, reviewer: str) -> None:
    st.session_state[BEGUN] = (review_id, reviewer)


def _go_on(review: Review, reviewer: str) -> None:
    done = len(services.reviews().answered(review, reviewer))
    _asked(review)
    words = "Go on" if done else "Begin"
    if done:
        st.markdown(f"{escape_markdown(reviewer)}, you have answered {done}.")
    st.button(
        f"{words} as {escape_markdown(reviewer)}",
        type="primary",
        icon=":material/play_arrow:",
        key="review-begin",
        on_click=whole(_begin),
        args=(review.id, reviewer),
    )
    _somebody_else(review)


def _asked(review: Review) -> None:
    count = len(review.items)
    things = "pair" if review.question.of_pairs else "picture"
    st.title(review.question.title, anchor=False)
    st.markdown(f"{count} {things}{'' if count == 1 else 's'}, one after another.")
    st.markdown(f"{KEYS[review.asks]} {ABOUT}", width=720)


def _thanks(review: Review, reviewer: str) -> None:
    st.title("Thank you", anchor=False)
    st.markdown(f"{escape_markdown(reviewer)}, that was all. Your answers are kept.")
    if signed_in():
        inner_link(ReviewView(review.id), "See the result", "review-read", ":material/bar_chart:")
        inner_link(ReviewView(), "All reviews", "review-all", ":material/arrow_back:")
    _somebody_else(review)


def _somebody_else(review: Review) -> None:
    if not signed_in():
        view = ReviewView(review.id, take=True)
        inner_link(view, "Somebody else", "review-other", ":material/person:")
