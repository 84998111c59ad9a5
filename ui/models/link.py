"""Links within the Models page."""

from __future__ import annotations

from ui.address.links import inner_link
from ui.address.views import ModelsView


def model_link(label: str, view: ModelsView, key: str, icon: str = "") -> None:
    """Show a link within the Models page; `key` is unique on the page."""
    inner_link(view, label, f"model-{key}", icon)


def back() -> None:
    """Show the way back to all networks."""
    model_link("All networks", ModelsView(), "back", ":material/arrow_back:")
