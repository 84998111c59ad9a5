"""The comparison viewer on a page: what the viewer is given and what it gives back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import streamlit as st

from ui.address.views import CompareView
from ui.common.rerun import whole
from ui.comparison.payload import Comparison, pack
from ui.pictures.script import shared_script

_FOLDER: Final = Path(__file__).parent
# In the order in which they build on each other.
_SCRIPTS: Final = (
    *("payload", "colours", "difference", "state", "grid", "viewer", "decoding", "painting"),
    *("suspicion", "pointer", "keys", "course", "controls", "entry"),
)


def _script() -> str:
    parts = [_FOLDER / "script" / f"{name}.js" for name in _SCRIPTS]
    return shared_script() + "\n".join(part.read_text(encoding="utf-8") for part in parts)


_component = st.components.v2.component(
    "asma_comparison_viewer",
    html=(_FOLDER / "viewer.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "viewer.css").read_text(encoding="utf-8"),
    js=_script(),
)


@dataclass
class _Memory:
    """What the server knows of a viewer in a browser.

    Attributes:
        run: Key of the comparison.
        order: Number of the last view that the browser was ordered to show.
        start: That view.
        written: What the browser's address may say because we wrote it, newest last.
    """

    run: str
    order: int
    start: CompareView
    written: list[CompareView]


def comparison_viewer(comparison: Comparison, key: str, view: CompareView) -> CompareView:
    """Show original, adversarial images and differences under one zoom and pan.

    Use one `key` for all runs, so that the viewer itself stays too.

    Args:
        comparison: What to show.
        key: The widget's key.
        view: What the address says. What a person has changed since in the viewer outranks it,
            until it says something that was never written there: then the viewer follows it.

    Returns:
        What is shown, for the address; a snapshot or a partner that there is not is left out.

    Raises:
        InputError: A picture can't be read, or its size is not the original's.
    """
    asked = _fitting(replace(view, run="", beside=()), comparison)
    memory = _remembered(comparison.key, key, asked)
    order = {"order": memory.order} | memory.start.viewer()
    result = _component(
        data=pack(comparison, json.dumps(order)), key=key, on_view_change=whole(_rerun)
    )
    shown = _fitting(_told(memory, result.get("view")), comparison)
    if shown != memory.written[-1]:
        memory.written.append(shown)
    return replace(shown, run=view.run, beside=view.beside)


def _rerun() -> None:
    """Stand in as the callback that makes the state part of the result."""


def _remembered(run: str, key: str, asked: CompareView) -> _Memory:
    """Return what is known of the viewer; an address from elsewhere is a new order to it.

    After a quick second click the browser still has the address of before the first: what we wrote
    ourselves is no order, until the browser has been seen with what was written after it.
    """
    name = f"{key}:memory"
    memory: _Memory | None = st.session_state.get(name)
    known = memory is not None and key in st.session_state and memory.run == run
    if memory is None or not known or asked not in memory.written:
        order = 1 if memory is None else memory.order + 1
        memory = st.session_state[name] = _Memory(run, order, asked, [asked])
    elif asked == memory.written[-1]:
        memory.written = [asked]
    return memory


def _told(memory: _Memory, told: Any) -> CompareView:
    """Return what the browser shows; what it told before its last order is void."""
    if not isinstance(told, dict) or told.get("order") != memory.order:
        return memory.start
    shown = {name: value for name, value in told.items() if name != "order"}
    return CompareView.from_query(CompareView().showing(shown).query())


def _fitting(view: CompareView, comparison: Comparison) -> CompareView:
    """Return a view without what the comparison has not; the last snapshot is the result."""
    usual = CompareView()
    detectors = {one.name for one in comparison.suspicions}
    known = ("", "original", "run", *(other.key for other in comparison.beside))
    last = len(comparison.frames) - 1
    return replace(
        view,
        frame=None if view.frame is None or view.frame >= last else view.frame,
        left=view.left if view.left in known else usual.left,
        right=view.right if view.right in known else usual.right,
        suspicion=view.suspicion if view.suspicion in detectors else usual.suspicion,
        still=view.still if view.still in known else usual.still,
    )
