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
    key = f"{page}-view"
    same = st.session_state.get(key) == identity
    st.session_state[key] = identity
    # An empty element in its place takes the old view away; a rerun of the same view stays calm.
    return st.container() if same else st.empty().container()
