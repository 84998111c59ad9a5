"""The comparison viewer on a page: what the viewer is given and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import streamlit as st

from asma_core.data.masks.palette import ROLES
from ui.comparison.payload import MOST_BESIDE, Beside, Comparison, Frame, pack
from ui.pictures.script import shared_script

__all__ = [
    "DEFAULT_VIEW",
    "MOST_BESIDE",
    "Beside",
    "Comparison",
    "Frame",
    "checked_view",
    "comparison_viewer",
]

MODES: Final = ("side", "slider", "blink")
OVERLAYS: Final = tuple(ROLES)
CHANNELS: Final = ("largest", "red", "green", "blue")
DEFAULT_VIEW: Final[dict[str, Any]] = {
    "mode": "side",
    "amplification": 20,
    "signed": True,
    "channel": "largest",
    "overlays": ["before", "target", "after"],
}

_FOLDER: Final = Path(__file__).parent
_component = st.components.v2.component(
    "asma_comparison_viewer",
    html=(_FOLDER / "viewer.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "viewer.css").read_text(encoding="utf-8"),
    js=shared_script() + (_FOLDER / "viewer.js").read_text(encoding="utf-8"),
)


def comparison_viewer(
    comparison: Comparison, key: str, height: int = 520, view: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Show original, adversarial image and difference under one zoom and pan.

    Zoom, pan and all settings live in the browser, for the whole tab: they stay through reruns,
    a reload and another run. Use one `key` for all runs, so that the viewer itself stays too.

    Args:
        comparison: What to show.
        key: The widget's key.
        height: The greatest height of the pictures, in CSS pixels; the controls come on top.
        view: Where to start, in the form that is returned, for instance from the address; it
            outranks what the tab remembers. It is read when the viewer appears, not after.
            What is unknown or wrong in it is passed over.

    Returns:
        `mode` ("side", "slider", "blink"), `frame` (index into `comparison.frames`),
        `amplification` (1 to 100), `signed` (bool), `channel` ("largest" for the one that changed
        most, "red", "green", "blue") and `overlays` (list out of "truth", "before", "target",
        "after").

    Raises:
        InputError: A picture can't be read, or its size is not the original's.
    """
    start = _starting_view(comparison, key, view)
    result = _component(
        data=pack(comparison, json.dumps(start, sort_keys=True), height),
        key=key,
        on_view_change=_rerun,
    )
    return _shown_view(comparison, key, start, result.get("view"))


def _rerun() -> None:
    """Stand in as the callback that makes the state part of the result."""


def _starting_view(
    comparison: Comparison, key: str, view: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the view as it was when the viewer appeared.

    The bytes that are sent stay the same that way, so the browser takes them from its cache when
    the page puts the current view into the address and back into `view`.
    """
    memory = f"{key}:memory"
    if key not in st.session_state or memory not in st.session_state:
        start = checked_view(view or {})
        st.session_state[memory] = {"start": start, "run": comparison.key, "void": None}
    return dict(st.session_state[memory]["start"])


def _shown_view(
    comparison: Comparison, key: str, start: dict[str, Any], told: Any
) -> dict[str, Any]:
    """Return what the browser told, filled up.

    A new run starts at its result, so a frame that was told during another visit is void.
    """
    memory = st.session_state[f"{key}:memory"]
    visit = told.get("visit") if isinstance(told, dict) else 0
    if memory["run"] != comparison.key:
        memory.update(run=comparison.key, void=visit)
    known = start | checked_view(told) if isinstance(told, dict) else start
    last = len(comparison.frames) - 1
    frame = last if memory["void"] == visit else min(known.get("frame", last), last)
    return DEFAULT_VIEW | known | {"frame": frame}


def checked_view(view: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a view that can be used; an address may hold anything."""
    checked: dict[str, Any] = {}
    for name, choices in (("mode", MODES), ("channel", CHANNELS)):
        if view.get(name) in choices:
            checked[name] = view[name]
    for name, low, high in (("amplification", 1, 100), ("frame", 0, 10**9)):
        if type(view.get(name)) is int:
            checked[name] = min(max(view[name], low), high)
    if isinstance(view.get("signed"), bool):
        checked["signed"] = view["signed"]
    if isinstance(view.get("overlays"), list):
        checked["overlays"] = [name for name in OVERLAYS if name in view["overlays"]]
    return checked
