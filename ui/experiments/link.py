"""Links within the Experiments page."""

from __future__ import annotations

from ui.address.links import inner_link
from ui.address.views import ExperimentsView


def experiment_link(label: str, experiment: str | None = None, icon: str = "") -> None:
    """Show a link to an experiment, or without one to all of them.

    Args:
        label: Markdown.
        experiment: Its id.
        icon: Before the label.
    """
    inner_link(ExperimentsView(experiment), label, f"experiment-{experiment or 'all'}", icon)
