"""Making sure that a page is shown by app.py."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager


def through_app() -> None:
    """Run app.py instead, when Streamlit has run a page file by itself; call it first on a page.

    A new server takes `pages/` for the pages of an app of the old kind until app.py has run once,
    so the first address that it is asked for would show without layout, navigation and guard.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
