"""What a plan of transfer is called, in words."""

from __future__ import annotations

from typing import Final

from asma_core.experiments.transfer_plan import TransferPlan, attack_title

# Networks that are named before "and others".
NAMED: Final = 3


def title(plan: TransferPlan) -> str:
    """Return what it is about: networks and data set."""
    names = ", ".join(plan.models[:NAMED]) + (" and others" if len(plan.models) > NAMED else "")
    return f"{names} on {plan.dataset}"


def about(plan: TransferPlan) -> str:
    """Return what is asked, in a few words."""
    count = len(plan.pairs)
    pairs = f"{count} {'pair' if count == 1 else 'pairs'}"
    return f"{', '.join(attack_title(row.label) for row in plan.attacks)}; {pairs}"
