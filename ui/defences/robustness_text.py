"""What a plan of defences is called, in words."""

from __future__ import annotations

from asma_core.attacks.registry import ATTACKS
from asma_core.defences.registry import in_words
from asma_core.experiments.robustness_plan import RobustnessPlan


def about(plan: RobustnessPlan) -> str:
    """Return what is asked, in a few words."""
    attacks = [
        ATTACKS[row.attack].title if row.attack in ATTACKS else row.attack for row in plan.attacks
    ]
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    beside = [text for text in (in_words(plan.defences), *plan.others) if text]
    return f"{', '.join(beside) or 'no defence'}; {', '.join(attacks)}; {pairs}"
