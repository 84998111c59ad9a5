"""Which runs a person has ticked, across pages and views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import streamlit as st

KEY: Final = "runs-selected"


def selected_ids() -> tuple[str, ...]:
    """Return the ids of the ticked runs, in the order in which they were ticked."""
    ids: tuple[str, ...] = st.session_state.get(KEY, ())
    return ids


def select(ids: Iterable[str]) -> None:
    """Tick these runs and no others."""
    st.session_state[KEY] = tuple(dict.fromkeys(ids))


def untick(ids: Iterable[str]) -> None:
    """Untick these runs; the others stay."""
    gone = set(ids)
    select(item for item in selected_ids() if item not in gone)


def select_on_page(page: Sequence[str], ticked: Iterable[str]) -> None:
    """Take over what is ticked among the runs of one page; the other pages keep theirs."""
    ticked = list(ticked)
    kept = [item for item in selected_ids() if item not in page or item in ticked]
    select([*kept, *ticked])


def forget_all_but(there: Iterable[str]) -> None:
    """Untick runs that are not there any more.

    Args:
        there: Those of the ticked ones that are.
    """
    kept = set(there)
    if not kept.issuperset(selected_ids()):
        select(item for item in selected_ids() if item in kept)
