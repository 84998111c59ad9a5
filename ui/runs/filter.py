"""Which runs are shown, and in which order, as the address says it; without Streamlit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from asma_core.runs.search import RunFilter
from ui.address.views import RunsView

# By the name in the address and in `asma_core.runs.listing.ORDERS`: what people read.
SORTS: Final[Mapping[str, str]] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "iou": "IoU, highest first",
    "iou-lowest": "IoU, lowest first",
    "l2": "L2, smallest first",
    "l2-largest": "L2, largest first",
    "linf": "Linf, smallest first",
    "ciede2000": "CIEDE2000, smallest first",
    "steps": "Steps, fewest first",
    "seconds": "Time, shortest first",
}


def run_filter(view: RunsView) -> RunFilter:
    """Return which runs a view asks for."""
    return RunFilter(
        view.text,
        view.outcome,
        view.attack,
        view.model,
        view.dataset,
        view.verdict,
        view.author,
    )
