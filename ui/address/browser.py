"""The address in the browser: reading it, changing it, and the widgets that follow it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from ui.address.view import View

Kind = TypeVar("Kind", bound=View)
# What a widget's value can be; other things in the session are no choices.
_PLAIN: Final = (str, int, float, bool, tuple, list, type(None))
_WRITTEN: Final = "address-written"
# Nobody is that many clicks ahead of the browser.
_MOST_WRITTEN: Final = 20


@dataclass
class _Written:
    """What the open page has written into its address, newest last, and its first address before.

    Attributes:
        page: The page.
        queries: The addresses; empty when what the browser sends can only be its own.
        ahead: Whether a callback of this run has written, so that the browser can't have that yet.
        read: Whether the page has looked at its address since it was come to.
        said: What it has written last.
        left: What the page before had written last.
    """

    page: str = ""
    queries: list[dict[str, str]] = field(default_factory=list)
    ahead: bool = False
    read: bool = False
    said: dict[str, str] | None = None
    left: dict[str, str] | None = None


def current(kind: type[Kind]) -> Kind:
    """Return what the address says."""
    return kind.from_query(_query())


def go_to(view: View) -> None:
    """Put a view into the address of the page that is open."""
    query, written = _query(), _written()
    if query == view.query():
        return
    written.said = view.query()
    written.queries = [*(written.queries or [query]), view.query()][-_MOST_WRITTEN:]
    context = get_script_run_ctx()
    written.ahead |= context is not None and not context.has_script_started
    st.query_params.from_dict(view.query())


def begin() -> None:
    """Take note of what the browser has; call it at every run, before the page."""
    query, written = sent(), _written()
    seen = not written.ahead and written.queries and query == written.queries[-1]
    if seen and written.queries.count(query) == 1:
        written.queries = [query]
    written.ahead = False


def sent() -> dict[str, str]:
    """Return the parameters of the address as the browser has sent it."""
    return st.query_params.to_dict()


def left() -> dict[str, str] | None:
    """Return what the page before wrote last, unless this one has written the same.

    The browser may hear of it when this page's path is open already.
    """
    written = _written()
    return None if written.left == written.said else written.left


def _query() -> dict[str, str]:
    """Return the address's parameters.

    After a quick second click the browser sends the address of before the first along, and a
    choice that is put into that one would take the first back. So an address that we wrote
    ourselves stands for the last that we wrote, until the browser has been seen with that one, or
    at Back.
    """
    query, written = sent(), _written()
    if query not in written.queries or (_went() and query != written.queries[-1]):
        written.queries = []
        return query
    return dict(written.queries[-1])


def _written() -> _Written:
    """Return what was written on the page that is open; what was on another one is forgotten."""
    context = get_script_run_ctx()
    page = context.page_script_hash if context else ""
    written = st.session_state.get(_WRITTEN)
    if not isinstance(written, _Written) or written.page != page:
        before = written.said if isinstance(written, _Written) else None
        written = st.session_state[_WRITTEN] = _Written(page, left=before)
    return written


def change(kind: type[View], **changes: Any) -> None:
    """Change a part of the address.

    An address that says the same already is left alone: each change is a step that the browser's
    Back takes.
    """
    changed = replace(current(kind), **changes)
    said = {name: text for name, text in _query().items() if name in kind.names()}
    if said != changed.query():
        go_to(changed)


def prime(key: str, value: Any) -> str:
    """Set a widget to what the address says, before it is drawn; return its key.

    At a step in the history it is said again: the run that said it may have been broken off before
    the browser heard of it, and a widget that is told nothing shows its default.
    """
    if key not in st.session_state or st.session_state[key] != value or _went():
        st.session_state[key] = value
    return key


def is_news(page: str, buttons: Collection[str] = ()) -> bool:
    """Return whether the address has come from elsewhere: a link, Back, another person.

    It has not when a widget was just used, and that since the page was come to: after a quick
    second click the browser still has the address of before the first one, and what was clicked
    stands; but Back and links within the page mean what they say. Call it before the page's
    widgets, and `say` after them.

    Args:
        page: Begins the keys of the page's widgets.
        buttons: Keys of buttons whose press is no choice.
    """
    query, now, written = _query(), _widgets(page, buttons), _written()
    came, written.read = not written.read, True
    said, widgets = st.session_state.get(_said(page), (None, {}))
    used = any(now[name] != widgets[name] for name in now.keys() & widgets.keys())
    if query == said or (used and not came and not _went()):
        return False
    st.session_state[_said(page)] = (query, now)
    return True


def say(page: str, view: View, buttons: Collection[str] = ()) -> None:
    """Put what the page shows into its address, and remember that it did; see `is_news`."""
    go_to(view)
    st.session_state[_said(page)] = (view.query(), _widgets(page, buttons))


def _went() -> bool:
    """Return whether this run was asked for by a step in the browser's history."""
    context = get_script_run_ctx()
    return context is not None and context.is_history_navigation


def _said(page: str) -> str:
    return f"said:{page}"


def _widgets(page: str, buttons: Collection[str]) -> dict[str, Any]:
    return {
        str(name): value if isinstance(value, _PLAIN) else getattr(value, "file_id", None)
        for name, value in st.session_state.items()
        if str(name).startswith(f"{page}-") and name not in buttons
    }
