"""Choosing a run that has a result; the address names it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.runs.run import Run
from ui.address import browser as address
from ui.address.links import link
from ui.address.views import AttackView, CompareView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.format import attack_title, moment, number, score_label, standing_outcome

MOST_LISTED: Final = 300


def choose_run(key: str) -> Run | None:
    """Show the choice of a run, newest first; None when there is none yet."""
    store = services.store()
    asked = address.current(CompareView).run
    if asked and not store.get(asked).results:
        _without_result(store.get(asked))
        return None
    runs = {run.id: run for run in store.newest(MOST_LISTED) if run.results}
    if asked and asked not in runs:
        # It is older than those.
        runs[asked] = store.get(asked)
    if not runs:
        st.info("There is nothing to compare yet: run an attack first.", icon=":material/info:")
        link(AttackView(), "Attack an image", icon=":material/draw:")
        return None
    ids = list(runs)
    widget = f"{key}-run"
    if asked and asked != st.session_state.get(f"{key}-asked"):
        st.session_state[widget] = asked
    if st.session_state.get(widget) not in ids:
        st.session_state[widget] = ids[0]
    older, choice, newer = st.columns([1, 16, 1], vertical_alignment="bottom")
    for place, step, name, icon in (
        (older, 1, "Older run", ":material/chevron_left:"),
        (newer, -1, "Newer run", ":material/chevron_right:"),
    ):
        place.button(
            "", icon=icon, help=name, key=f"{key}{step}", on_click=_step, args=(key, ids, step)
        )
    chosen = choice.selectbox(
        "Run",
        ids,
        format_func=lambda item: _title(runs[item]),
        key=widget,
        on_change=_chosen_here,
        args=(key,),
    )
    st.session_state[f"{key}-asked"] = chosen
    if asked != chosen:
        # What stood beside the run before may be of another image.
        address.change(CompareView, run=chosen, beside=())
    return runs[chosen]


def _step(key: str, ids: list[str], step: int) -> None:
    place = ids.index(st.session_state[f"{key}-run"]) + step
    st.session_state[f"{key}-run"] = ids[min(max(place, 0), len(ids) - 1)]
    _chosen_here(key)


def _chosen_here(key: str) -> None:
    """Let the widget's choice stand: after a quick second click the address is still old."""
    st.session_state[f"{key}-asked"] = address.current(CompareView).run


def _title(run: Run) -> str:
    score = number(run.results.get("score_8bit"))
    spec = run.spec
    return (
        f"{run.id}   {attack_title(run)}   {spec.image_name}, {run.goal}   "
        f"{standing_outcome(run)}, {score_label(run)} {score}   {moment(run.created)}"
    )


def _without_result(run: Run) -> None:
    words = run.message or "it has not ended yet" if not run.ended else run.message or run.state
    st.info(
        f"Run {run.id} has no result to compare: {escape_markdown(words)}.", icon=":material/info:"
    )
    words = "Look at it" if run.ended else "Watch it"
    link(AttackView(run.id), words, icon=":material/visibility:")
