"""First values of widgets whose value outlives the page (`persist_state="session"`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

# For a widget's `persist_state`: what a user has set up is still there after another page.
SESSION: Final = "session"


def initial(key: str, default: Any, choices: Sequence[Any] | None = None) -> str:
    """Give a widget its first value; call it just before the widget.

    Args:
        key: The widget's key.
        default: Its first value.
        choices: What it can be now; a value outside them falls back to the default.

    Returns:
        The key, to be handed to the widget.
    """
    known = key in st.session_state
    if not known or (choices is not None and st.session_state[key] not in choices):
        st.session_state[key] = default
    return key
