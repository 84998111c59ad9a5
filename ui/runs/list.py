"""The Runs page: filter, actions, and the runs as a table or as cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from asma_core.runs.run import Run
from ui.address.links import link
from ui.address.views import AttackView, RunsView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.icon_button import icon_button
from ui.common.rerun import rerun_page, whole
from ui.runs import filter_bar as bar
from ui.runs.actions import HINT, run_actions
from ui.runs.cards import run_cards
from ui.runs.delete import delete_question
from ui.runs.each import counted
from ui.runs.filter import filtered
from ui.runs.hidden import hidden_line
from ui.runs.judge_several import undo_line
from ui.runs.selection import forget_all_but, selected_ids, untick
from ui.runs.table import open_clicked, run_table

PAGE_SIZES: Final = {"table": 50, "cards": 24}
REFRESH_EVERY: Final = 2.0
DRAWN: Final = "runs-drawn"


def run_list() -> None:
    """Show all runs, or what to do while there are none."""
    store = services.store()
    runs = store.newest()
    if not runs:
        _empty()
        return
    bar.read_address()
    _head()
    bar.choices_row(runs)
    wanted = bar.wanted()
    forget_all_but(run.id for run in runs)
    shown = filtered(runs, wanted)
    seen = {run.id for run in shown}
    ticked = [run for run in shown if run.id in selected_ids()]
    hidden = [run for run in runs if run.id in selected_ids() and run.id not in seen]
    run_actions(store, ticked, shown)
    _status(runs, shown, ticked)
    hidden_line(hidden)
    undo_line(store)
    st.session_state[DRAWN] = _signature(runs)
    if shown:
        every = None if all(run.ended for run in runs) else REFRESH_EVERY
        st.fragment(_rows, run_every=every)(wanted)
    else:
        _nothing_left()
    bar.write_address()
    delete_question(store, runs, hidden)


def _empty() -> None:
    st.title("Runs")
    st.info(
        "There are no runs yet. Choose an image, draw a target and run an attack; "
        "it appears here at once.",
        icon=":material/info:",
    )
    link(AttackView(), "Attack an image", icon=":material/draw:")


def _head() -> None:
    title, tools = st.columns([1, 3], vertical_alignment="bottom")
    title.title("Runs")
    row = tools.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"
    )
    bar.search_and_order(row)
    bar.view_switch(row)


def _status(runs: Sequence[Run], shown: Sequence[Run], ticked: Sequence[Run]) -> None:
    """One line that is always there: how many runs, the ticked ones, the pages."""
    pages = _pages(shown)
    row = st.container(horizontal=True, vertical_alignment="center", key="runs-status")
    row.caption(_counted(runs, shown) + "   " + _about(ticked), width="stretch")
    if ticked:
        row.button(
            "Untick",
            key="runs-untick",
            type="tertiary",
            on_click=whole(untick),
            args=([run.id for run in ticked],),
        )
    if pages > 1:
        _pager(row, pages)


def _counted(runs: Sequence[Run], shown: Sequence[Run]) -> str:
    less = f"**{len(shown)}** of " if len(shown) < len(runs) else ""
    return f"{less}{counted(runs)}."


def _about(ticked: Sequence[Run]) -> str:
    if not ticked:
        return HINT
    if len(ticked) > 1:
        return f"**{len(ticked)}** ticked."
    run = ticked[0]
    words = f"Run {run.id} ticked"
    if run.message:
        words += f". It {run.state}: {run.message}" if run.state == "failed" else f". {run.message}"
    elif run.note:
        words += f". Note: {run.note}"
    return escape_markdown(" ".join(words.split())[:240])


def _pager(row: DeltaGenerator, pages: int) -> None:
    now = bar.page_number(pages)
    icon_button(
        row,
        "Previous page",
        ":material/chevron_left:",
        "runs-previous",
        type="tertiary",
        disabled=now == 1,
        on_click=whole(bar.set_page),
        args=(now - 1,),
    )
    row.caption(f"Page {now} of {pages}", width="content")
    icon_button(
        row,
        "Next page",
        ":material/chevron_right:",
        "runs-next",
        type="tertiary",
        disabled=now == pages,
        on_click=whole(bar.set_page),
        args=(now + 1,),
    )


def _page_size() -> int:
    return PAGE_SIZES[bar.value("view") or "table"]


def _pages(shown: Sequence[Run]) -> int:
    return -(-len(shown) // _page_size())


def _rows(wanted: RunsView) -> None:
    """Show one page of runs; alone again every few seconds while something is to come."""
    open_clicked()
    ticked, _ = st.session_state[DRAWN]
    if ticked != selected_ids():
        rerun_page()
    store = services.store()
    runs = store.newest()
    if _signature(runs) != st.session_state[DRAWN]:
        # Something came, went or ended: the actions above must know too.
        rerun_page()
    shown = filtered(runs, wanted)
    size = _page_size()
    first = (bar.page_number(_pages(shown)) - 1) * size
    page = shown[first : first + size]
    (run_cards if bar.value("view") == "cards" else run_table)(store, page)


def _signature(runs: Sequence[Run]) -> tuple[object, object]:
    """Return what the rest of the page hangs on: the ticked runs, and how all of them stand."""
    return selected_ids(), tuple((run.id, run.state, run.cancel) for run in runs)


def _nothing_left() -> None:
    st.info("No run fits this filter.", icon=":material/filter_alt_off:")
    st.button("Show all runs", key="runs-clear", on_click=whole(bar.clear))
