"""What a plan is called, and how it stands, in words."""

from __future__ import annotations

from asma_core.attacks.registry import ATTACKS
from asma_core.defences.registry import in_words
from asma_core.experiments.robustness_plan import RobustnessPlan
from asma_core.jobs.robustness import Standing
from ui.address.links import inner_link
from ui.address.views import DefencesView


def title(plan: RobustnessPlan) -> str:
    """Return what is defended: network and data set."""
    return f"{plan.model} on {plan.dataset}"


def about(plan: RobustnessPlan) -> str:
    """Return what is asked, in a few words."""
    attacks = [
        ATTACKS[row.attack].title if row.attack in ATTACKS else row.attack for row in plan.attacks
    ]
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    beside = [text for text in (in_words(plan.defences), *plan.others) if text]
    return f"{', '.join(beside) or 'no defence'}; {', '.join(attacks)}; {pairs}"


def status_text(found: Standing) -> tuple[str, str]:
    """Return how a plan stands, and Streamlit's colour for it."""
    if found.active:
        words = f"{found.done} of {found.total}"
        return f"stopping, {words}" if found.stopping else words, "blue"
    if found.complete:
        return "done", "green"
    return f"stopped at {found.done} of {found.total}", "orange"


def plan_link(label: str, plan: str | None = None, icon: str = "") -> None:
    """Show a link to a plan, or without one to all of them; the label is Markdown."""
    inner_link(DefencesView(plan), label, f"defences-{plan or 'all'}", icon)
