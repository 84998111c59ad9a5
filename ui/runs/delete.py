"""Asking before runs are deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from ui.common.errors import escape_markdown, show_error
from ui.common.presses import pressed
from ui.common.rerun import rerun_page, whole
from ui.judging.verdict import verdict_badge
from ui.runs.each import counted

ASKED: Final = "runs-delete-asked"
MOST_NAMED: Final = 6
RED: Final = """<style>
.st-key-runs-delete-yes button:enabled { background: #B3372B; border-color: #B3372B; color: #FFF; }
.st-key-runs-delete-yes button:enabled:hover { background: #9A2E24; border-color: #9A2E24; }
</style>"""


def ask_to_delete(ids: Sequence[str]) -> None:
    """Open the question, at this rerun and at those that follow until it is answered."""
    st.session_state[ASKED] = tuple(ids)


def delete_question(store: RunStore, hidden: Sequence[Run]) -> None:
    """Show the question while it is open.

    Args:
        store: Where the runs are.
        hidden: Those that are ticked and not asked for, as the filter hides them.
    """
    asked = st.session_state.get(ASKED, ())
    there = store.search.among(asked) if asked else []
    if there:
        active = [run for run in there if not run.ended]
        _question(store, [run for run in there if run.ended], active, len(hidden))


def _close() -> None:
    st.session_state.pop(ASKED, None)


@st.dialog("Delete runs", on_dismiss=whole(_close))
def _question(store: RunStore, ended: list[Run], active: list[Run], hidden: int) -> None:
    st.html(RED)
    if ended:
        st.markdown(_these(len(ended)) + "\n\n" + _list(ended))
    if active:
        ids = ", ".join(run.id for run in active)
        st.markdown(f"Not deleted, as still queued or running: {ids}. Stop them first.")
    if hidden:
        st.markdown(f"The filter hides {hidden} more that are ticked; they stay.")
    row = st.container(horizontal=True, horizontal_alignment="right")
    if pressed(row, "Keep", key="runs-delete-no"):
        _close()
        rerun_page()
    label = "Delete" if len(ended) == 1 else f"Delete {counted(len(ended))}"
    if pressed(row, label, key="runs-delete-yes", type="primary", disabled=not ended):
        _delete(store, ended)


def _these(count: int) -> str:
    what = "This run" if count == 1 else f"These {count} runs"
    end = "is" if count == 1 else "are"
    return (
        f"{what} {end} deleted with all pictures, figures and files, and with verdict, note and "
        "tags. It can't be undone."
    )


def _list(runs: Sequence[Run]) -> str:
    lines = [
        f"- `{run.id}` {escape_markdown(run.spec.image_name)}, {escape_markdown(run.goal)}"
        f"{verdict_badge(run)}"
        for run in runs[:MOST_NAMED]
    ]
    more = len(runs) - MOST_NAMED
    return "\n".join([*lines, *([f"- and {more} more"] if more > 0 else [])])


def _delete(store: RunStore, runs: Sequence[Run]) -> None:
    try:
        for run in runs:
            store.delete(run.id)
    except AsmaError as error:
        show_error(error)
        return
    _close()
    st.toast(f"{counted(len(runs))} deleted")
    rerun_page()
