"""Saving what is said of a run; two people's notes on one run do not overwrite each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import streamlit as st

from asma_core.errors import NoteChangedError
from asma_core.runs.store import RunStore
from ui.common.errors import escape_markdown
from ui.common.outbox import Hearer
from ui.judging.verdict import LONGEST_NOTE, cleaned_verdict, joined_tags

_CLEANED: Final[dict[str, Callable[[str], str]]] = {
    "verdict": cleaned_verdict,
    "tags": lambda text: joined_tags([text]),
}
# Of this session, by run: the note that it wrote last, and the one that it could not.
_WRITTEN: Final = "notes-written"
_REFUSED: Final = "notes-refused"


def judgement_hearers(store: Callable[[], RunStore]) -> dict[str, Hearer]:
    """Return what takes in verdict, note and tags of a run; see `ui.common.outbox`.

    A note is said as {"text", "was"}: what it is to be, and what it was when its editing began. A
    mere text, as one from before an upgrade, overwrites what there is.

    Args:
        store: Returns the store that the runs are in.
    """
    hearers: dict[str, Hearer] = {field: partial(_save, store, field) for field in _CLEANED}
    return hearers | {"note": partial(_save_note, store)}


def refused_note(run: str) -> str | None:
    """Return what this session wrote of a run over somebody else's words, and was not saved."""
    refused: str | None = _kept(_REFUSED).get(run)
    return refused


def _save(store: Callable[[], RunStore], field: str, run: str, value: Any) -> None:
    store().annotate(run, **{field: _CLEANED[field](str(value))})


def _save_note(store: Callable[[], RunStore], run: str, value: Any) -> None:
    said = value if isinstance(value, Mapping) else {"text": value}
    text, was = str(said.get("text", ""))[:LONGEST_NOTE], said.get("was")
    try:
        _write_note(store(), run, text, None if was is None else str(was))
    except NoteChangedError as error:
        _kept(_REFUSED)[run] = text
        # Whoever has left the run meanwhile sees no strip.
        st.toast(escape_markdown(f"Not saved: {error}"), icon=":material/edit_note:")
        raise
    _kept(_WRITTEN)[run] = text
    _kept(_REFUSED).pop(run, None)


def _write_note(runs: RunStore, run: str, text: str, was: str | None) -> None:
    """Write a note over what it was, or over what this session has written since."""
    if runs.get(run).note == text:
        return
    try:
        runs.annotate(run, note=text, note_was=was)
    except NoteChangedError:
        own = _kept(_WRITTEN).get(run)
        if own is None or own == was:
            raise
        runs.annotate(run, note=text, note_was=own)


def _kept(name: str) -> dict[str, str]:
    kept: dict[str, str] = st.session_state.setdefault(name, {})
    return kept
