"""Links within the Experiments page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

# A link to the page that is open would be shaded like the menu's entry of where one is.
_STYLE: Final = """<style>
[class*="st-key-experiment-link-"] [data-testid="stPageLink-NavLink"] {
  background: none; padding: 0;
}
</style>"""


def experiment_link(label: str, query: Mapping[str, str], icon: str | None = None) -> None:
    """Show a link to an experiment, or without a query to all of them.

    Args:
        label: Markdown.
        query: Of the address.
        icon: Before the label.
    """
    st.html(_STYLE)
    with st.container(key=f"experiment-link-{query.get('experiment', 'all')}", width="content"):
        st.page_link("pages/experiments.py", label=label, icon=icon or "", query_params=dict(query))
