"""The browser's history: opening an object is a step that Back undoes, a setting is none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from ui.address.views import VIEWS

_component = st.components.v2.component(
    "asma_history", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)
# It shows nothing, and the gap around it would push every page down.
_STYLE: Final = "<style>.st-key-asma-history { position: absolute; }</style>"
_OBJECTS: Final = {Path(view.PAGE).stem: view.objects() for view in VIEWS}


def keep_history() -> None:
    """Put the rule into the browser; call it at every run, before the page."""
    st.html(_STYLE)
    _component(data={"objects": _OBJECTS}, key="asma-history", height="content")
