"""Ways to a view: links, and going there at once."""

from __future__ import annotations

from typing import Any, Final, NoReturn

import streamlit as st

from ui.address.view import View

# A link to the page that is open would be shaded like the menu's entry of where one is.
_STYLE: Final = """<style>
[class*="st-key-inner-link-"] [data-testid="stPageLink-NavLink"] { background: none; padding: 0; }
</style>"""


def open_page(view: View) -> NoReturn:
    """Leave this page for a view of another one."""
    st.switch_page(view.PAGE, query_params=view.query())


def link(view: View, label: str, icon: str | None = "", place: Any = st) -> None:
    """Show a link to a view of another page.

    Args:
        view: Where it leads.
        label: Markdown.
        icon: Before the label; "" keeps the page's own away.
        place: Streamlit itself, or a container of it.
    """
    place.page_link(view.PAGE, label=label, icon=icon, query_params=view.query())


def inner_link(view: View, label: str, key: str, icon: str = "") -> None:
    """Show a link to another view of the page that is open.

    Args:
        view: Where it leads.
        label: Markdown.
        key: Unique on the page.
        icon: Before the label.
    """
    st.html(_STYLE)
    with st.container(key=f"inner-link-{key}", width="content"):
        link(view, label, icon)
