"""Choosing how a network is run while it is attacked."""

from __future__ import annotations

import streamlit as st

from asma_core.models.wrapper.precision import AUTO, PRECISIONS
from ui.common.values import SESSION, initial


def precision_choice(key: str) -> str:
    """Show the choice of a precision."""
    chosen: str = st.selectbox(
        "Precision",
        PRECISIONS,
        key=initial(f"{key}-precision", AUTO, PRECISIONS),
        persist_state=SESSION,
        help="Of the attack's passes; what is scored is always float32. auto: TF32 on a GPU that "
        "has it.",
    )
    return chosen


def compile_choice(key: str) -> bool:
    """Ask whether the network is compiled first."""
    chosen: bool = st.toggle(
        "Compile the network",
        key=initial(f"{key}-compiled", False),
        persist_state=SESSION,
        help="Half a minute once for each network and image size; then each step is faster. It "
        "pays from some hundred steps on.",
    )
    return chosen


def fill_backend(key: str, precision: str, compiled: bool) -> None:
    """Choose both; call it before they are shown."""
    st.session_state[f"{key}-precision"] = precision
    st.session_state[f"{key}-compiled"] = compiled
