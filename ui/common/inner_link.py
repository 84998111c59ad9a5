"""Links within one page: to one of its things, and back to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

# A link to the page that is open would be shaded like the menu's entry of where one is.
_STYLE: Final = """<style>
[class*="st-key-inner-link-"] [data-testid="stPageLink-NavLink"] { background: none; padding: 0; }
</style>"""


def inner_link(page: str, label: str, query: Mapping[str, str], key: str, icon: str = "") -> None:
    """Show a link to the page that is open, with another address.

    Args:
        page: Its file.
        label: Markdown.
        query: Of the address.
        key: Unique on the page.
        icon: Before the label.
    """
    st.html(_STYLE)
    with st.container(key=f"inner-link-{key}", width="content"):
        st.page_link(page, label=label, icon=icon, query_params=dict(query))
