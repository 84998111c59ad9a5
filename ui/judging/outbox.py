"""What the browser sends of a person's judgement, and saving it.

The browser keeps what it has said in a list until it hears that it was taken in, and says it
again; so nothing is lost when Streamlit passes over a state because a newer one has come.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.errors import AsmaError
from asma_core.runs.store import RunStore
from ui.common import services
from ui.common.errors import show_errors
from ui.judging.verdict import LONGEST_NOTE, cleaned_verdict, joined_tags

FIELDS: Final = ("verdict", "note", "tags")
_KEY: Final = "asma-outbox"
_TOLD: Final = f"{_KEY}-told"
_RUNS: Final = f"{_KEY}-runs"
_component = st.components.v2.component(
    "asma_outbox", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def keep_outbox() -> None:
    """Hear what is said of runs, also while its page is left; call it at every run in app.py.

    Streamlit forgets what a component of a page has sent when another page is opened meanwhile,
    but not what one of app.py has.
    """
    st.html(f"<style>.st-key-{_KEY} {{ position: absolute; }}</style>")
    # By its value and not by a callback, which is called once for each change and never again.
    with show_errors():
        take_in(services.store(), (st.session_state.get(_KEY) or {}).get("said"))
    runs = st.session_state[_RUNS] = st.session_state.get(_RUNS, 0) + 1
    # The count makes the browser hear of every run.
    data = {"run": runs, "handled": told()["handled"]}
    _component(data=data, key=_KEY, height="content", on_said_change=lambda: None)


def told() -> dict[str, Any]:
    """Return up to which number all is taken in, and what went wrong with the last."""
    kept: dict[str, Any] = st.session_state.setdefault(_TOLD, {"handled": 0, "trouble": ""})
    return kept


def take_in(store: RunStore, said: Any) -> None:
    """Save what is new of what was said.

    Args:
        store: Where the runs are.
        said: What the browser has sent: a list of {"number", "run", "field", "text"}.
    """
    now = told()
    for entry in said or []:
        if entry["number"] <= now["handled"]:
            continue
        now["trouble"] = _saved(store, entry)
        now["handled"] = entry["number"]


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
