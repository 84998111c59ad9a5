"""The address in the browser: reading it, changing it, and the widgets that follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st

from ui.address.view import View

Kind = TypeVar("Kind", bound=View)


def current(kind: type[Kind]) -> Kind:
    """Return what the address says."""
    return kind.from_query(st.query_params.to_dict())


def go_to(view: View) -> None:
    """Put a view into the address of the page that is open."""
    if st.query_params.to_dict() != view.query():
        st.query_params.from_dict(view.query())


def change(kind: type[View], **changes: Any) -> None:
    """Change a part of the address.

    An address that says the same already is left alone: each change is a step that the browser's
    Back takes.
    """
    changed = replace(current(kind), **changes)
    said = {name: text for name, text in st.query_params.items() if name in kind.names()}
    if said != changed.query():
        go_to(changed)


def prime(key: str, value: Any) -> str:
    """Set a widget to what the address says, before it is drawn; return its key."""
    if key not in st.session_state or st.session_state[key] != value:
        st.session_state[key] = value
    return key
