"""Links within the Models page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

# A link to the page that is open would be shaded like the menu's entry of where one is.
_STYLE: Final = """<style>
[class*="st-key-model-link-"] [data-testid="stPageLink-NavLink"] { background: none; padding: 0; }
</style>"""


def model_link(label: str, query: Mapping[str, str], key: str, icon: str = "") -> None:
    """Show a link within the Models page; `key` is unique on the page."""
    st.html(_STYLE)
    with st.container(key=f"model-link-{key}", width="content"):
        st.page_link("pages/models.py", label=label, icon=icon, query_params=dict(query))


def back() -> None:
    """Show the way back to all networks."""
    model_link("All networks", {}, "back", ":material/arrow_back:")
