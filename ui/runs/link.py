"""Where a run is looked at."""

from __future__ import annotations

from asma_core.runs.run import Run
from ui.address.view import View
from ui.address.views import AttackView, CompareView


def run_view(run: Run) -> View:
    """Return where to open a run: its pictures, or what is known of one that has none."""
    return CompareView(run.id) if run.results else AttackView(run.id)
