"""Numbers, times and words as the pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from asma_core.attacks.registry import ATTACKS
from asma_core.runs.run import Run

STATE_COLOURS: Final = {
    "queued": "gray",
    "running": "blue",
    "done": "green",
    "cancelled": "orange",
    "failed": "red",
    "interrupted": "red",
}


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure with a fixed number of decimals, or "n/a" when it is undefined."""
    return "n/a" if value is None else f"{value:.{digits}f}"


def duration(seconds: float) -> str:
    """Return a time in words, such as "6 s" or "2 min 5 s"."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def moment(seconds: float) -> str:
    """Return a point in time, seconds since 1970, in this server's time zone."""
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def outcome(run: Run) -> str:
    """Return how a run stands, in a word: its state, or success or failure when it is done."""
    if run.state != "done":
        return run.state
    return "success" if run.results.get("success") else "target not reached"


def outcome_colour(run: Run) -> str:
    """Return Streamlit's colour for `outcome`."""
    if run.state == "done" and not run.results.get("success"):
        return "orange"
    return STATE_COLOURS[run.state]


def attack_title(run: Run) -> str:
    """Return an attack's name for people, or as the record has it when it is not there any more."""
    name = run.spec.attack
    return ATTACKS[name].title if name in ATTACKS else name.upper()


def score_label(results: Mapping[str, Any]) -> str:
    """Return what success was judged by.

    "IoU", "Removed" where the target has no structure, or "IoU lost" of an attack that leads away
    from the mask.
    """
    names = {"structure removed": "Removed", "iou lost": "IoU lost"}
    return names.get(str(results.get("score_name")), "IoU")
