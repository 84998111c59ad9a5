"""Which other runs of an image stand beside the one that is open; the address names them."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.errors import UnknownRunError
from asma_core.runs.run import Run
from ui.address import browser as address
from ui.address.views import CompareView
from ui.common import services
from ui.common.format import attack_title, number, score_label
from ui.common.rerun import whole
from ui.comparison.payload import MOST_BESIDE

MOST_OFFERED: Final = 50


def other_runs(run: Run) -> list[Run]:
    """Return the other runs of the same image that have a result, newest first."""
    found = services.store().search.of_image(run.spec.image_hash, MOST_OFFERED)
    return [other for other in found if other.id != run.id]


def choose_beside(run: Run, others: list[Run]) -> tuple[list[Run], str]:
    """Show the choice of runs to put beside.

    Returns:
        The runs, and a sentence about those of the address that can't be shown, or "".
    """
    known = {other.id: other for other in others}
    asked = address.current(CompareView).beside
    fitting = list(dict.fromkeys(name for name in asked if name in known))[:MOST_BESIDE]
    key = f"compare-beside-{run.id}"
    if st.session_state.get(f"{key}-asked") != asked:
        st.session_state[key] = fitting
        st.session_state[f"{key}-left-out"] = _left_out(run, asked, fitting)
    chosen = _widget(key, known) if others else []
    st.session_state[f"{key}-asked"] = tuple(chosen)
    address.change(CompareView, beside=tuple(chosen))
    return [known[name] for name in chosen], st.session_state[f"{key}-left-out"]


def _widget(key: str, known: dict[str, Run]) -> list[str]:
    return st.multiselect(
        "Other runs of this image beside it",
        list(known),
        format_func=lambda name: short_line(known[name]),
        max_selections=MOST_BESIDE,
        placeholder="Up to three other runs",
        key=key,
        on_change=whole(_chosen_here),
        args=(key,),
        width=420,
    )


def _chosen_here(key: str) -> None:
    """Let the widget's choice stand: after a quick second click the address is still old."""
    st.session_state[f"{key}-asked"] = address.current(CompareView).beside
    st.session_state[f"{key}-left-out"] = ""


def _left_out(run: Run, asked: tuple[str, ...], fitting: list[str]) -> str:
    """Say why runs that the address puts beside are not shown."""
    reasons: dict[str, list[str]] = {}
    for name in dict.fromkeys(asked):
        if name not in fitting and name != run.id:
            reasons.setdefault(_reason(run, name), []).append(name[:8])
    parts = [f"{', '.join(names)} {reason}" for reason, names in reasons.items()]
    return f"Not beside it, though the address says so: {'; '.join(parts)}." if parts else ""


def _reason(run: Run, name: str) -> str:
    try:
        other = services.store().get(name)
    except UnknownRunError:
        return "(deleted, or of another workbench)"
    if other.spec.image_hash != run.spec.image_hash:
        return "(a run of another image)"
    return f"(more than {MOST_BESIDE} others)" if other.results else "(without a result)"


def short_line(run: Run) -> str:
    """Return a run by what tells it from others of its image."""
    score, l2 = run.results.get("score_8bit"), run.results.get("l2_8bit")
    label = score_label(run)
    return f"{run.id}, {attack_title(run)}, {label} {number(score)}, L2 {number(l2, 2)}"
