"""What is worked out of a run when somebody asks for it by a press, and stands there from then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from asma_core.runs.run import Run
from ui.common.rerun import patiently, whole

Found = TypeVar("Found")


def asked_by_press(
    run: Run,
    name: str,
    known: Callable[[Run], Found | None],
    work_out: Callable[[Run], Found],
    *,
    invitation: str,
    button: str,
    icon: str,
    busy: str,
) -> tuple[Found | None, bool]:
    """Return what is known of a run; show the button where nothing is, and work it out once asked.

    What can't be worked out is asked for anew by the next press.

    Args:
        run: The run.
        name: Begins the keys.
        known: Returns what has been worked out, None otherwise.
        work_out: Does so, beside the page.
        invitation: What the button is good for.
        button: What it says.
        icon: On it.
        busy: Said meanwhile.

    Returns:
        What was found, None where nobody has asked; and whether it was worked out right now.
    """
    key = f"compare-{name}-asked-{run.id}"
    found = known(run)
    if found is not None:
        return found, False
    if not st.session_state.get(key):
        st.caption(invitation)
        st.button(button, key=f"compare-{name}", icon=icon, on_click=whole(_ask), args=(key,))
        return None, False
    with st.spinner(busy, show_time=True):
        try:
            return patiently(work_out, run), True
        except Exception:
            st.session_state.pop(key, None)
            raise


def _ask(key: str) -> None:
    st.session_state[key] = True
