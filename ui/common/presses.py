"""Presses of buttons: they count though the page moves under the hand, or runs anew meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from ui.common.rerun import hold_on, undivided, whole

_KEY: Final = "asma-presses"
# Where a button was pressed that the page has not come to yet, by the button's key.
_WAITING: Final = "presses-waiting"
_component = st.components.v2.component(
    "asma_presses", js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
)


def keep_presses(page: str, query: Mapping[str, str]) -> None:
    """Put the rule into the browser, and forget presses of elsewhere; call it at every run.

    Args:
        page: The path in the address of the page that is about to run.
        query: The address's parameters.
    """
    with undivided():
        here = (page, dict(query))
        waiting = _waiting()
        for key, place in list(waiting.items()):
            if place is None:
                waiting[key] = here
            elif place != here:
                del waiting[key]
    # It shows nothing, and the gap around it would push every page down.
    st.html(f"<style>.st-key-{_KEY} {{ position: absolute; }}</style>")
    _component(key=_KEY, height="content")


def pressed(place: Any, label: str, *, key: str, lasting: bool = False, **more: Any) -> bool:
    """Show a button; return whether it was pressed.

    Streamlit's own says so to the run alone that the press asked for. When something newer is asked
    for before that run has come to the button, as by a second click, the press is lost. Here it
    waits for the next run, unless somebody has gone elsewhere. What a press leads to is then done
    to its end: a newer request waits until it leads on, shows what it gave, or is waited for
    `patiently`.

    Args:
        place: Streamlit itself, or a container of it.
        label: Of the button.
        key: Of the button, unique on the page.
        lasting: What it leads to takes long, and who goes elsewhere meanwhile ends it.
        more: Of Streamlit's button.
    """
    place.button(label, key=key, on_click=whole(_take_note), args=(key,), **more)
    if more.get("disabled") or key not in _waiting():
        return False
    if not lasting:
        hold_on()
    del _waiting()[key]
    return True


def end_presses() -> None:
    """Forget what was pressed and is not there any more; call it when a page has been shown."""
    _waiting().clear()


def _take_note(key: str) -> None:
    _waiting()[key] = None


def _waiting() -> dict[str, Any]:
    waiting: dict[str, Any] = st.session_state.setdefault(_WAITING, {})
    return waiting
