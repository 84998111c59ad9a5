"""What polls reads anew only what has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from asma_core.runs.store import RunStore

Answer = TypeVar("Answer")


def as_of_now(store: RunStore, key: str, read: Callable[[], Answer]) -> Answer:
    """Return what is read from a store, kept in the session as long as no run changes.

    Args:
        store: The store.
        key: Unique for what is read.
        read: Reads it.
    """
    revision = store.search.revision()
    kept: tuple[int, Answer] | None = st.session_state.get(key)
    if kept is None or kept[0] != revision:
        kept = (revision, read())
        st.session_state[key] = kept
    return kept[1]
