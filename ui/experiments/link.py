"""Links within the Experiments page."""

from __future__ import annotations

from collections.abc import Mapping

from ui.common.inner_link import inner_link


def experiment_link(label: str, query: Mapping[str, str], icon: str | None = None) -> None:
    """Show a link to an experiment, or without a query to all of them.

    Args:
        label: Markdown.
        query: Of the address.
        icon: Before the label.
    """
    key = f"experiment-{query.get('experiment', 'all')}"
    inner_link("pages/experiments.py", label, query, key, icon or "")
