"""A page whose first callback waits, so that a second click comes while it is carried out."""

from __future__ import annotations

import os
import time
from pathlib import Path

import streamlit as st

from ui.common.rerun import whole

FOLDER = Path(os.environ["ASMA_CROSSING"])


def slow() -> None:
    (FOLDER / "begun").touch()
    while not (FOLDER / "go").exists():
        time.sleep(0.01)
    st.session_state["slow"] = st.session_state.get("slow", 0) + 1


def quick() -> None:
    st.session_state["quick"] = st.session_state.get("quick", 0) + 1


st.button("Slow", on_click=whole(slow))
st.button("Quick", on_click=whole(quick))
st.text(f"slow {st.session_state.get('slow', 0)}, quick {st.session_state.get('quick', 0)}")
