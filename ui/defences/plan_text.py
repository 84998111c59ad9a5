"""What a plan is called, and how it stands, in words; and the way to it."""

from __future__ import annotations

from asma_core.jobs.plan_runner import Standing
from ui.address.links import inner_link
from ui.address.views import DefencesView


def status_text(found: Standing) -> tuple[str, str]:
    """Return how a plan stands, and Streamlit's colour for it."""
    if found.active:
        words = f"{found.done} of {found.total}"
        return f"stopping, {words}" if found.stopping else words, "blue"
    if found.complete:
        return "done", "green"
    return f"stopped at {found.done} of {found.total}", "orange"


def plan_link(view: DefencesView, label: str, icon: str = "") -> None:
    """Show a link to a plan, or without one to all of them; the label is Markdown."""
    inner_link(view, label, f"defences-{view.room}-{view.plan or 'all'}", icon)
