"""One of several views of a page, without what is left of another."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def fresh_view(page: str, *identity: str) -> DeltaGenerator:
    """Return a container for a view; what another view has drawn goes before this one is drawn.

    Without it the browser keeps the old view's rest below the new one until the script has run to
    its end, which with a spinner in it lasts.

    Args:
        page: Begins the key under which it is remembered.
        identity: Tells one view of the page from another.
    """
    turn = f"{_key(page)}-turn"
    if is_fresh(page, *identity):
        st.session_state[turn] = 1 - st.session_state.get(turn, 0)
        st.session_state[_key(page)] = identity
    # Two places in turn: a view in the place of another one would take over its elements, and to
    # empty that place first is no help, for the two messages to the browser become one. The place
    # of the view that stays is never emptied: at times its components would be gone in between.
    shown: int = st.session_state[turn]
    places = [st.container() if place == shown else st.empty() for place in range(2)]
    return places[shown]


def is_fresh(page: str, *identity: str) -> bool:
    """Tell whether `fresh_view` would take another view away."""
    return bool(st.session_state.get(_key(page)) != identity)


def _key(page: str) -> str:
    return f"{page}-view"
