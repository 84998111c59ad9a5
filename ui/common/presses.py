"""Presses in the browser: they count though the page moves under the hand."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

_KEY: Final = "asma-presses"
_component = st.components.v2.component(
    "asma_presses", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def keep_presses() -> None:
    """Put the rule into the browser; call it at every run in app.py."""
    # It shows nothing, and the gap around it would push every page down.
    st.html(f"<style>.st-key-{_KEY} {{ position: absolute; }}</style>")
    _component(key=_KEY, height="content")
