"""What the browser sends of a person's judgement, and saving it.

The browser keeps what it has said in a list until it hears that it was taken in; so nothing is
lost when Streamlit passes over a state because a newer one has come.
"""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.store import RunStore
from ui.judging.verdict import LONGEST_NOTE, cleaned_verdict, joined_tags

FIELDS: Final = ("verdict", "note", "tags")


def take_in(store: RunStore, key: str, said: Any) -> None:
    """Save what is new of what was said.

    Args:
        store: Where the runs are.
        key: Of the strip.
        said: What the browser has sent: a list of {"number", "run", "field", "text"}.
    """
    told = st.session_state.setdefault(f"{key}-outbox", {"handled": 0, "trouble": ""})
    for entry in said or []:
        if entry["number"] <= told["handled"]:
            continue
        told["trouble"] = _saved(store, entry)
        told["handled"] = entry["number"]


def _saved(store: RunStore, entry: dict[str, Any]) -> str:
    """Save one saying; return what went wrong."""
    field, text = entry["field"], str(entry["text"])
    cleaned = {
        "verdict": cleaned_verdict(text),
        "note": text[:LONGEST_NOTE],
        "tags": joined_tags([text]),
    }
    if field not in FIELDS:
        raise ValueError(f"expected one of {FIELDS}, got {field!r}")
    try:
        store.annotate(str(entry["run"]), **{field: cleaned[field]})
    except AsmaError as error:
        return f"Not saved: {' '.join(str(error).split())}"
    return ""
