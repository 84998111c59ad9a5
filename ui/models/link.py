"""Links within the Models page."""

from __future__ import annotations

from collections.abc import Mapping

from ui.common.inner_link import inner_link


def model_link(label: str, query: Mapping[str, str], key: str, icon: str = "") -> None:
    """Show a link within the Models page; `key` is unique on the page."""
    inner_link("pages/models.py", label, query, f"model-{key}", icon)


def back() -> None:
    """Show the way back to all networks."""
    model_link("All networks", {}, "back", ":material/arrow_back:")
