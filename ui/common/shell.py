"""What surrounds a page: that app.py shows it, and what its tab is called."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from ui.common.rerun import rerun_page

_ALL_ROOM: Final = """<style>
[data-testid="stMainBlockContainer"] { padding: 4.25rem 1.5rem 2rem; }
</style>"""
PRODUCT: Final = "ASMA Workbench"
_ICON: Final = Path(__file__).parents[1] / "icon.png"


@cache
def icon() -> str:
    """Return the tab's icon as an address that holds the picture itself.

    The browser would fetch a Material icon from the internet, and a file's address is for who is
    signed in, as those of all pictures.
    """
    return f"data:image/png;base64,{base64.b64encode(_ICON.read_bytes()).decode()}"


def name_tab(*names: str) -> None:
    """Call the browser's tab by the object that is open, from the inside outwards."""
    st.set_page_config(page_title=", ".join([*names, PRODUCT]))


def all_room() -> None:
    """Give a page the window's whole width: its edges are as narrow as the gaps within."""
    st.html(_ALL_ROOM)


def background() -> str:
    """Return the colour of the page in CSS, for what has to cover something else of it.

    The browser chooses, so that it follows when light turns to dark while the page is open.
    """
    light, dark = (st.get_option(f"theme.{name}.backgroundColor") for name in ("light", "dark"))
    return f"light-dark({light}, {dark})"


def through_app() -> None:
    """Run app.py instead, when Streamlit has run a page file by itself; call it first on a page.

    A new server takes `pages/` for the pages of an app of the old kind until app.py has run once,
    so the first address that it is asked for would show without layout, navigation and guard.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        rerun_page()
