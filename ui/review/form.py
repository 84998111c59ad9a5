"""The form of a new review: which runs, which question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.reviews.making import can_be_shown, items_of
from asma_core.reviews.questions import ORIGINAL, QUESTIONS, find_question
from asma_core.reviews.store import LONGEST_TITLE
from asma_core.runs.run import Run
from ui.address.links import inner_link, link, open_here
from ui.address.views import AttackView, ReviewView, RunsView
from ui.common import services
from ui.common.errors import show_error
from ui.common.format import run_line
from ui.common.presses import pressed
from ui.common.values import SESSION, initial

KEY: Final = "review-form"
# That many of the newest can be chosen here; more by ticking them on Runs.
MOST_OFFERED: Final = 200
USUAL: Final = 12


def review_form(asked: tuple[str, ...]) -> None:
    """Show the form; a press of the button goes to the review.

    Args:
        asked: Ids of the runs it is to be made of; none lets them be chosen here.
    """
    runs = _given(asked) if asked else _chosen()
    if runs is None:
        return
    asks = st.selectbox(
        "Question",
        list(QUESTIONS),
        format_func=lambda name: QUESTIONS[name].title,
        key=initial(f"{KEY}-question", next(iter(QUESTIONS))),
        persist_state=SESSION,
        width=420,
    )
    title = st.text_input(
        "Title",
        key=f"{KEY}-title",
        max_chars=LONGEST_TITLE,
        placeholder="Reviewers don't see it",
        width=420,
    )
    st.caption(_told(runs, asks))
    if pressed(
        st,
        "Make the review",
        key=f"{KEY}-make",
        type="primary",
        icon=":material/add:",
        disabled=not any(map(can_be_shown, runs)),
    ):
        _make(runs, asks, title)


def _given(ids: Sequence[str]) -> list[Run]:
    store, runs = services.store(), []
    for run_id in dict.fromkeys(ids):
        try:
            runs.append(store.get(run_id))
        except AsmaError as error:
            show_error(error)
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(f"**{len(runs)} ticked {'run' if len(runs) == 1 else 'runs'}**", width="content")
    with row:
        inner_link(ReviewView(), "Choose others", "review-others")
    return runs


def _chosen() -> list[Run] | None:
    """Let runs be chosen; None while there are none."""
    offered = [run for run in services.store().newest(MOST_OFFERED) if can_be_shown(run)]
    if not offered:
        st.info("There is nothing to ask about yet: run an attack first.", icon=":material/info:")
        link(AttackView(), "Attack an image", icon=":material/draw:")
        return None
    lines = {run.id: run_line(run) for run in offered}
    usual = [run.id for run in offered if run.success][:USUAL] or list(lines)[:USUAL]
    key = f"{KEY}-runs"
    chosen = st.session_state.get(key, usual)
    st.session_state[key] = [run_id for run_id in chosen if run_id in lines]
    picked = st.multiselect(
        "Runs",
        list(lines),
        format_func=lines.__getitem__,
        key=key,
        persist_state=SESSION,
        help="At first the newest that reached their goal. Many are quicker ticked on Runs.",
    )
    link(RunsView(), "Tick them on Runs", icon=":material/table_rows:")
    known = {run.id: run for run in offered}
    return [known[run_id] for run_id in picked]


def _told(runs: Sequence[Run], asks: str) -> str:
    """Say how many pictures there will be, and what is left out."""
    left = [run for run in runs if can_be_shown(run)]
    words = ""
    if left:
        items = items_of(left, find_question(asks))
        originals = sum(item.kind == ORIGINAL for item in items)
        attacked = len(items) - originals
        if find_question(asks).of_pairs:
            words = f"{attacked} {'pair' if attacked == 1 else 'pairs'}."
        else:
            words = f"{len(items)} pictures: {attacked} attacked and {originals} as they were."
    out = len(runs) - len(left)
    if out:
        words += f" {out} without a changed picture {'is' if out == 1 else 'are'} left out."
    seen = "Everybody here can then see these pictures, even of runs that only you see."
    return f"{words} {seen}".strip() if left else words.strip() or "Choose at least one run."


def _make(runs: Sequence[Run], asks: str, title: str) -> None:
    try:
        review = services.reviews().create(runs, asks, title)
    except AsmaError as error:
        show_error(error)
        return
    open_here(ReviewView(review.id))
