"""Choosing a small file, which stays chosen while its widget is away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from ui.common.errors import escape_markdown
from ui.common.rerun import whole


class ChosenFile(NamedTuple):
    """A file that was chosen.

    Attributes:
        name: As the person calls it.
        data: What is in it.
    """

    name: str
    data: bytes


def file_choice(label: str, kinds: Sequence[str], key: str, help: str) -> ChosenFile | None:
    """Show the choice of a file; None while there is none, or after it was taken away.

    Args:
        label: What it is to be.
        kinds: Endings without the dot.
        key: The widget's.
        help: Beside the label.
    """
    uploaded = st.file_uploader(
        label, type=list(kinds), key=key, help=help, on_change=whole(_forget), args=(key,)
    )
    if uploaded is not None:
        st.session_state[_kept(key)] = ChosenFile(uploaded.name, uploaded.getvalue())
    file: ChosenFile | None = st.session_state.get(_kept(key))
    if uploaded is None and file is not None:
        st.caption(f"As before: {escape_markdown(file.name)}.")
    return file


def _forget(key: str) -> None:
    """Take a changed choice seriously: the cross beside a file means that it is to go."""
    st.session_state.pop(_kept(key), None)


def _kept(key: str) -> str:
    return f"{key}-kept"
