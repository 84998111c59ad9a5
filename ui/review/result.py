"""One review: its link, and what it has come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import streamlit as st

from asma_core.accounts.rights import may_change
from asma_core.errors import AsmaError
from asma_core.reviews.curves import MEASURES, curve_of, curve_sentence
from asma_core.reviews.figures import figures_csv
from asma_core.reviews.psychometric import Fit
from asma_core.reviews.result import Result, Seen, attack_of, result_of
from asma_core.reviews.review import Review
from asma_core.reviews.table import answers_csv
from asma_core.reviews.words import attack_words, percent, sentences
from ui.address.links import inner_link, open_here
from ui.address.views import CompareView, ReviewView
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.format import moment, number
from ui.common.fresh_view import fresh_view
from ui.common.presses import pressed
from ui.common.shell import name_tab
from ui.pictures.cards import Card, card_grid
from ui.pictures.curves import NO_TOOLBAR
from ui.review.curve import rate_curve
from ui.review.link import sent_link
from ui.review.list import title_of
from ui.review.reading import is_still_blind
from ui.review.text import OF_ANSWERS, agreement_lines, table
from ui.review.thumbnails import attacked_picture

MOST_SHOWN: Final = 12
OF_POINTS: Final = "Each point: about as many answers. Lines: Wilson's interval, and its changes."
OF_CURVE: Final = (
    "Curve: the likeliest logistic function of the change's logarithm that begins at guessing; the "
    "grey bar is the interval of the size at which it is 75 %, by profile likelihood, of answers "
    "taken each for itself."
)
# The review that this session deleted last.
DELETED: Final = "review-deleted"


def review_result(review_id: str) -> None:
    """Show a review; a reviewer who has still to answer is led there.

    Raises:
        UnknownReviewError: There is none of that id.
    """
    if st.session_state.get(DELETED) == review_id:
        # The browser asked once more for what was deleted while it was on its way.
        open_here(ReviewView())
    review = services.reviews().get(review_id)
    if is_still_blind(review_id):
        # Neither its title nor its result is for who has still to answer.
        open_here(ReviewView(review_id, take=True))
    title = title_of(review.title, review.asks)
    name_tab(title, "Review")
    with fresh_view("review", review_id, "result"), show_errors():
        inner_link(ReviewView(), "All reviews", "review-all", ":material/arrow_back:")
        result = result_of(review, services.reviews().answers(review.id))
        head, actions = st.columns([7, 5], vertical_alignment="center")
        head.title(escape_markdown(title), anchor=False)
        head.caption(_about(review))
        with actions:
            _actions(result)
        sent_link(review)
        if result.answers:
            _said(result)
        else:
            st.info("Nobody has answered yet.", icon=":material/info:")


def _about(review: Review) -> str:
    things = "pairs" if review.question.of_pairs else "pictures"
    asked = f"{review.question.title} " if review.title else ""
    by = f" by {escape_markdown(review.author)}" if review.author else ""
    return f"{asked}{len(review.items)} {things}. Made {moment(review.created)}{by}."


def _actions(result: Result) -> None:
    review = result.review
    row = st.container(horizontal=True, horizontal_alignment="right")
    files: dict[str, tuple[str, Callable[[], str]]] = {
        "csv": ("Answers as CSV", lambda: answers_csv(review, result.answers)),
        "figures": ("Figures as CSV", lambda: figures_csv(result)),
    }
    for name, (label, text) in files.items():
        ending = "" if name == "csv" else f"-{name}"
        row.download_button(
            label,
            # The mark at the start tells spreadsheets that the file is UTF-8.
            data=partial(_encoded, text),
            file_name=f"review-{review.id}{ending}.csv",
            mime="text/csv",
            key=f"review-{name}",
            icon=":material/download:",
            on_click="ignore",
            disabled=not result.answers,
        )
    with row.popover("Delete", icon=":material/delete:", key="review-delete"):
        count = len(result.answers)
        answers = "1 answer" if count == 1 else f"{count} answers"
        st.markdown(f"The review goes with its {answers}. It can't be undone. The runs stay.")
        if pressed(
            st,
            "Delete the review",
            key="review-delete-yes",
            type="primary",
            disabled=not may_change(review.author),
            help=None if may_change(review.author) else "Only its author or an owner may.",
        ):
            _delete(review.id)


def _encoded(text: Callable[[], str]) -> bytes:
    return text().encode("utf-8-sig")


def _delete(review_id: str) -> None:
    try:
        services.reviews().delete(review_id)
    except AsmaError as error:
        show_error(error)
        return
    st.session_state[DELETED] = review_id
    open_here(ReviewView())


def _said(result: Result) -> None:
    for sentence in sentences(result):
        st.markdown(escape_markdown(sentence), width=900)
    question = result.review.question
    attacks = [(attack_words(row.name), row) for row in result.attacks]
    st.markdown("**Attack by attack**")
    st.markdown(table("Attack", attacks, question))
    if len(result.norms) > 1:
        st.markdown("**By what the attack made small**")
        st.markdown(table("Norm", [(row.name, row) for row in result.norms], question))
    st.markdown("**Reviewer by reviewer**")
    st.markdown(table("Reviewer", [(row.name, row) for row in result.reviewers], question))
    st.caption(OF_ANSWERS)
    _agreement(result)
    _curve(result)
    _pictures(question.nobody, result.fooled, "fooled")
    _pictures(question.everybody, result.noticed, "noticed")


def _agreement(result: Result) -> None:
    lines = agreement_lines(result)
    if not lines:
        st.caption("How far reviewers agree can be said from two of them on.")
        return
    st.markdown("**Agreement**")
    st.markdown(escape_markdown("; ".join(lines)) + ".")
    st.caption("1 is full agreement, 0 what chance gives; n/a where all gave the same answer.")


def _curve(result: Result) -> None:
    known = [name for name in MEASURES if result.curves[name]]
    if not known:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Over the size of the change**", width="content")
        chosen = st.segmented_control(
            "Measure",
            known,
            format_func=MEASURES.__getitem__,
            default=known[0],
            required=True,
            key="review-measure",
            label_visibility="collapsed",
        )
    question = result.review.question
    found = curve_of(result, chosen)
    curve = found if isinstance(found, Fit) else None
    drawing = rate_curve(result.curves[chosen], chosen, question, curve)
    st.plotly_chart(drawing, key=f"review-curve-{chosen}", config=NO_TOOLBAR)
    if found is not None:
        st.markdown(escape_markdown(curve_sentence(found, chosen)), width=900)
    st.caption(OF_POINTS if curve is None else f"{OF_POINTS} {OF_CURVE}")


def _pictures(words: str, seen: Sequence[Seen], key: str) -> None:
    """Show the pictures of one end of the scale; each leads to its run."""
    if not seen:
        return
    st.markdown(f"**{words}**: {len(seen)}")
    card_grid([_card(one) for one in seen[:MOST_SHOWN]], f"review-{key}")
    if len(seen) > MOST_SHOWN:
        st.caption(f"and {len(seen) - MOST_SHOWN} more; they are in the CSV")


def _card(one: Seen) -> Card:
    facts = one.item.facts
    figures = f"L2 {number(facts.get('l2'), 2)}"
    told = f"{one.noticed} of {one.count} ({percent(one.noticed / one.count)})"
    return Card(
        attack_words(attack_of(one.item)),
        CompareView(one.item.run),
        attacked_picture(one.item.run),
        (f"{figures}, {told}",),
    )
