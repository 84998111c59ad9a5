"""Saving what is said of a run; what two people say of one run does not overwrite each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import streamlit as st

from asma_core.errors import JudgementChangedError
from asma_core.runs.store import RunStore
from ui.common.errors import escape_markdown
from ui.common.outbox import Hearer
from ui.judging.verdict import LONGEST_NOTE, cleaned_verdict, joined_tags

# What is said, and what it is called in a sentence.
FIELDS: Final = {"verdict": "this verdict", "note": "this note", "tags": "these tags"}
_CLEANED: Final[dict[str, Callable[[str], str]]] = {
    "verdict": cleaned_verdict,
    "note": lambda text: text[:LONGEST_NOTE],
    "tags": lambda text: joined_tags([text]),
}
# Of this session, by field and run: what it wrote last, and what it could not write.
_WRITTEN: Final = "judgements-written"
_REFUSED: Final = "judgements-refused"


def judgement_hearers(store: Callable[[], RunStore]) -> dict[str, Hearer]:
    """Return what takes in verdict, note and tags of a run; see `ui.common.outbox`.

    Each is said as {"text", "was"}: what it is to be, and what it was when its editing began. A
    mere text, as one from before an upgrade, overwrites what there is.

    Args:
        store: Returns the store that the runs are in.
    """
    return {field: partial(_save, store, field) for field in FIELDS}


def refused(run: str) -> dict[str, str]:
    """Return what this session said of a run over somebody else's words, and was not saved."""
    kept = _kept(_REFUSED)
    return {field: kept[field, run] for field in FIELDS if (field, run) in kept}


def _save(store: Callable[[], RunStore], field: str, run: str, value: Any) -> None:
    said = value if isinstance(value, Mapping) else {"text": value}
    text, was = _CLEANED[field](str(said.get("text", ""))), said.get("was")
    try:
        _write(store(), field, run, text, None if was is None else str(was))
    except JudgementChangedError as error:
        _kept(_REFUSED)[field, run] = text
        # Whoever has left the run meanwhile sees no strip.
        st.toast(escape_markdown(f"Not saved: {error}"), icon=":material/edit_note:")
        raise
    _kept(_WRITTEN)[field, run] = text
    _kept(_REFUSED).pop((field, run), None)


def _write(runs: RunStore, field: str, run: str, text: str, was: str | None) -> None:
    """Write a text over what it was, or over what this session has written since."""
    if getattr(runs.get(run), field) == text:
        return
    try:
        runs.judgements.annotate(run, **{field: text}, was={} if was is None else {field: was})
    except JudgementChangedError:
        own = _kept(_WRITTEN).get((field, run))
        if own is None or own == was:
            raise
        runs.judgements.annotate(run, **{field: text}, was={field: own})


def _kept(name: str) -> dict[tuple[str, str], str]:
    kept: dict[tuple[str, str], str] = st.session_state.setdefault(name, {})
    return kept
