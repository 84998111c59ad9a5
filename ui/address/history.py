"""The browser's history: opening an object is a step that Back undoes, a setting is none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st

from ui.address.browser import left, sent
from ui.address.views import VIEWS

_component = st.components.v2.component(
    "asma_history", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)
# It shows nothing, and the gap around it would push every page down.
_STYLE: Final = "<style>.st-key-asma-history { position: absolute; }</style>"
_RUNS: Final = "address-runs"
_OBJECTS: Final = {Path(view.PAGE).stem: view.objects() for view in VIEWS}
_PARAMETERS: Final = {Path(view.PAGE).stem: view.names() for view in VIEWS}


def keep_history(page: str) -> None:
    """Put the rule into the browser; call it at every run, before the page.

    Args:
        page: The path in the address of the page that is about to run.
    """
    st.html(_STYLE)
    runs = st.session_state[_RUNS] = st.session_state.get(_RUNS, 0) + 1
    seen = sent()
    said = {"page": page, "seen": seen, "left": left()}
    # The count makes the browser hear of every run.
    data = {"objects": _OBJECTS, "parameters": _PARAMETERS, "run": runs} | said
    _component(data=data, key="asma-history", height="content")
