"""The ticked runs that the filter hides: named, and left alone by every action."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.runs.run import Run
from ui.common.errors import escape_markdown
from ui.common.rerun import whole
from ui.runs import filter_bar as bar
from ui.runs.each import counted
from ui.runs.selection import untick

MOST_NAMED: Final = 4


def hidden_line(hidden: Sequence[Run]) -> None:
    """Name the runs, and offer to show or to untick them.

    Args:
        hidden: Those that are ticked and that the filter leaves out.
    """
    if not hidden:
        return
    row = st.container(horizontal=True, vertical_alignment="center", key="runs-hidden")
    row.caption(f":material/visibility_off: {_words(hidden)}", width="content")
    row.button("Show them", key="runs-hidden-show", type="tertiary", on_click=whole(bar.clear))
    row.button(
        "Untick them",
        key="runs-hidden-untick",
        type="tertiary",
        on_click=whole(untick),
        args=([run.id for run in hidden],),
    )


def _words(hidden: Sequence[Run]) -> str:
    named = [f"{run.id} {escape_markdown(run.spec.image_name)}" for run in hidden[:MOST_NAMED]]
    more = len(hidden) - MOST_NAMED
    listed = ", ".join([*named, *([f"and {more} more"] if more > 0 else [])])
    are = "is" if len(hidden) == 1 else "are"
    return (
        f"{counted(len(hidden), 'ticked run')} {are} hidden by the filter and left alone: {listed}."
    )
