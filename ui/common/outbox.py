"""What a person says or draws in a component, until it is taken in.

The browser keeps it in a list until it hears that it was taken in, and says it again; so nothing
is lost when Streamlit passes over a state because a newer one has come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.errors import AsmaError
from ui.common.errors import show_errors

Hearer = Callable[[str, Any], None]
# Begins the field of what was said before a reload and not heard, where it has a hearer of its own.
LATE: Final = "late "
_KEY: Final = "asma-outbox"
_TOLD: Final = f"{_KEY}-told"
_RUNS: Final = f"{_KEY}-runs"
_component = st.components.v2.component(
    "asma_outbox", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def keep_outbox(page: str, hearers: Mapping[str, Hearer]) -> None:
    """Hear what is said, also while its page is left; call it at every run in app.py.

    Streamlit forgets what a component of a page has sent when another page is opened meanwhile,
    but not what one of app.py has.

    Args:
        page: The path in the address of the page that is about to run.
        hearers: By the field that is said, what takes it in: of what it is said, and the value.
    """
    st.html(f"<style>.st-key-{_KEY} {{ position: absolute; }}</style>")
    # By its value and not by a callback, which is called once for each change and never again.
    with show_errors():
        take_in(hearers, (st.session_state.get(_KEY) or {}).get("said"))
    runs = st.session_state[_RUNS] = st.session_state.get(_RUNS, 0) + 1
    # The count makes the browser hear of every run.
    data = {"run": runs, "page": page, "handled": told()["handled"]}
    _component(data=data, key=_KEY, height="content", on_said_change=lambda: None)


def told() -> dict[str, Any]:
    """Return up to which number all is taken in, and what went wrong with the last."""
    kept: dict[str, Any] = st.session_state.setdefault(_TOLD, {"handled": 0, "trouble": ""})
    return kept


def take_in(hearers: Mapping[str, Hearer], said: Any) -> None:
    """Take in what is new of what was said.

    Args:
        hearers: See `keep_outbox`.
        said: What the browser has sent: a list of {"number", "about", "field", "value"}, and
            "late" where it is from before a reload.
    """
    now = told()
    for entry in said or []:
        if entry["number"] <= now["handled"]:
            continue
        # Only then handled: what a run takes in that is ended meanwhile is said again.
        now["trouble"] = _heard(hearers, entry)
        now["handled"] = entry["number"]


def _heard(hearers: Mapping[str, Hearer], entry: dict[str, Any]) -> str:
    """Take in one saying; return what went wrong."""
    field = entry["field"]
    hearer = hearers.get(field)
    if entry.get("late"):
        hearer = hearers.get(f"{LATE}{field}", hearer)
    if hearer is None:
        return f"Not saved: nobody hears what is said of {field!r}."
    try:
        hearer(str(entry["about"]), entry["value"])
    except AsmaError as error:
        return f"Not saved: {' '.join(str(error).split())}"
    return ""
