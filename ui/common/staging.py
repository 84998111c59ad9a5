"""Uploads that are put aside once, and not again at every rerun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from asma_core.errors import AsmaError
from ui.common.errors import show_error

Staged = TypeVar("Staged")


def kept_upload(
    key: str,
    files: Sequence[Any],
    stage: Callable[[Sequence[Any]], Staged],
    is_there: Callable[[Staged], bool] = lambda _: True,
) -> Staged | None:
    """Return what has been made of uploaded files; None without any, or with a sentence on them.

    Args:
        key: Under which it is remembered in the session.
        files: What the uploader holds.
        stage: Puts the files aside; an `AsmaError` of it is shown.
        is_there: Whether what was put aside is still there.
    """
    if not files:
        return None
    token = tuple(file.file_id for file in files)
    known = st.session_state.get(key)
    if known is None or known[0] != token or not is_there(known[1]):
        try:
            known = st.session_state[key] = (token, stage(files))
        except AsmaError as error:
            show_error(error)
            return None
    staged: Staged = known[1]
    return staged
