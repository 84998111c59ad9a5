"""Ways to a view: links, and going there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from ui.address import browser as address
from ui.address.view import View
from ui.common.rerun import let_go, undivided

# A link to the page that is open would be shaded like the menu's entry of where one is.
_STYLE: Final = """<style>
[class*="st-key-inner-link-"] [data-testid="stPageLink-NavLink"] { background: none; padding: 0; }
</style>"""


# The page that runs and its address as the browser has sent it.
_HERE: Final = "address-here"
_GOING: Final = "address-going"


def open_page(view: View) -> NoReturn:
    """Leave this page for a view of another one."""
    _set_out(view)
    st.switch_page(view.PAGE, query_params=view.query())


def open_here(view: View) -> NoReturn:
    """Show another object on the page that is open."""
    _set_out(view)
    address.go_to(view)
    st.rerun()


def _set_out(view: View) -> None:
    with undivided():
        page, sent = st.session_state.get(_HERE, ("", {}))
        st.session_state[_GOING] = (page, (sent, address.sent()), view)
    let_go()


def arrive(page: str) -> None:
    """Go on to where `open_page` or `open_here` led; call it at every run.

    A rerun that the browser asks for in that very moment, as by a second click, takes the place
    of the switch, with the address of before, and would end on what was left. Who asked for
    another page or object in that moment gets it.

    Args:
        page: The path in the address of the page that is about to run.
    """
    with undivided():
        sent = address.sent()
        st.session_state[_HERE] = (page, sent)
        left, addresses, view = st.session_state.pop(_GOING, ("", (), None))
        if view is None or page != left or sent not in addresses:
            return
        if Path(view.PAGE).stem == page:
            address.go_to(view)
            return
    open_page(view)


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


def address_of(here: str, view: View) -> str:
    """Return the whole address of a view of the page that is open.

    Args:
        here: Address of the page that is open.
        view: What to show on it.
    """
    parts = urlsplit(here)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(view.query()), ""))
