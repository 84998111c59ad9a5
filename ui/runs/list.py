"""The Runs page: filter, actions, and the runs as a table or as cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from asma_core.runs.run import UNENDED, Run
from asma_core.runs.search import RunFilter
from asma_core.runs.store import RunStore
from ui.address.links import link
from ui.address.views import AttackView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.icon_button import icon_button
from ui.common.rerun import rerun_page, whole
from ui.runs import filter_bar as bar
from ui.runs.actions import HINT, Listed, run_actions
from ui.runs.cards import run_cards
from ui.runs.delete import delete_question
from ui.runs.each import counted
from ui.runs.filter import run_filter
from ui.runs.hidden import hidden_line
from ui.runs.judge_several import undo_line
from ui.runs.pictures import run_pictures
from ui.runs.progress import progress_text
from ui.runs.selection import forget_all_but, selected_ids, untick
from ui.runs.table import open_clicked, run_table

PAGE_SIZES: Final = {"table": 50, "cards": 24}
REFRESH_EVERY: Final = 2.0
# Seconds that the page waits for pictures; those that are not drawn by then follow.
WAIT: Final = 0.15
PICTURES_EVERY: Final = 0.5
# Side and width of the lines, in pixels.
TABLE_PICTURE: Final = (124, 7.0)
CARD_PICTURE: Final = (340, 6.5)
DRAWN: Final = "runs-drawn"


def run_list() -> None:
    """Show all runs, or what to do while there are none."""
    store = services.store()
    total = store.search.count()
    if not total:
        _empty()
        return
    bar.read_address()
    _head()
    # Before anything is read: a change that comes meanwhile is one that the page has not drawn.
    revision = store.search.revision()
    bar.choices_row(store.search.choices())
    wanted = bar.wanted()
    asked = run_filter(wanted)
    shown = store.search.count(asked) if wanted.narrows else total
    ticked, hidden = _ticked(store, asked, wanted.sort)
    st.session_state[DRAWN] = (revision, selected_ids())
    run_actions(store, ticked, Listed(asked, wanted.sort, shown))
    _status(total, shown, ticked)
    hidden_line(hidden)
    undo_line(store)
    if shown:
        _page(store, asked, wanted.sort, shown)
    else:
        _nothing_left()
    bar.write_address()
    delete_question(store, hidden)


def _ticked(store: RunStore, asked: RunFilter, order: str) -> tuple[list[Run], list[Run]]:
    """Return the ticked runs that are shown, in their order, and those that the filter hides."""
    if not selected_ids():
        return [], []
    there = store.search.among(selected_ids())
    forget_all_but(run.id for run in there)
    ticked = store.search.among(selected_ids(), asked, order)
    seen = {run.id for run in ticked}
    return ticked, [run for run in there if run.id not in seen]


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


def _status(total: int, shown: int, ticked: Sequence[Run]) -> None:
    """One line that is always there: how many runs, the ticked ones, the pages."""
    pages = _pages(shown)
    row = st.container(horizontal=True, vertical_alignment="center", key="runs-status")
    row.caption(_counted(total, shown) + "   " + _about(ticked), width="stretch")
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


def _counted(total: int, shown: int) -> str:
    less = f"**{shown:,}** of " if shown < total else ""
    return f"{less}{counted(total)}."


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
    row.caption(f"Page {now:,} of {pages:,}", width="content")
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


def _pages(shown: int) -> int:
    return -(-shown // _page_size())


def _page(store: RunStore, asked: RunFilter, order: str, shown: int) -> None:
    """Show one page of runs, which follows what happens while something is to come."""
    size = _page_size()
    first = (bar.page_number(_pages(shown)) - 1) * size
    runs = store.search.page(asked, order, first, size)
    if any(store.count(state) for state in UNENDED):
        st.fragment(_watch, run_every=REFRESH_EVERY)(runs)
    complete = len(_pictures(store, runs, WAIT)) == len(runs)
    st.fragment(_rows, run_every=None if complete else PICTURES_EVERY)(runs, complete)


def _watch(runs: Sequence[Run]) -> None:
    """Say how far those are that run; alone again, with no more than a look whether any changed.

    Args:
        runs: Of this page, as they stood when the whole of it was drawn.
    """
    store = services.store()
    _look(store)
    if said := progress_text(store, runs):
        st.caption(said)


def _look(store: RunStore) -> None:
    """Draw the whole page once more if a run came, went, changed or ended, or was ticked."""
    if st.session_state[DRAWN] != (store.search.revision(), selected_ids()):
        rerun_page()


def _rows(runs: Sequence[Run], complete: bool) -> None:
    """Show runs; alone again when a row is clicked, or as long as pictures are to come.

    Args:
        runs: Of this page, as they stood when the whole of it was drawn.
        complete: Whether it had all their pictures then.
    """
    open_clicked()
    store = services.store()
    _look(store)
    pictures = _pictures(store, runs, 0.0)
    if not complete and len(pictures) == len(runs):
        # From now on nothing of it changes by itself.
        rerun_page()
    (run_cards if _is_cards() else run_table)(runs, pictures)


def _pictures(store: RunStore, runs: Sequence[Run], wait: float) -> dict[str, bytes | None]:
    side, width = CARD_PICTURE if _is_cards() else TABLE_PICTURE
    return run_pictures(store, runs, side, width, wait)


def _is_cards() -> bool:
    return bar.value("view") == "cards"


def _nothing_left() -> None:
    st.info("No run fits this filter.", icon=":material/filter_alt_off:")
    st.button("Show all runs", key="runs-clear", on_click=whole(bar.clear))
