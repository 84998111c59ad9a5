"""What a plan of detectors is called, in words."""

from __future__ import annotations

from asma_core.attacks.registry import ATTACKS
from asma_core.defences.detectors.registry import find_detector
from asma_core.experiments.detection_plan import DetectionPlan


def about(plan: DetectionPlan) -> str:
    """Return what is asked, in a few words."""
    detectors = ", ".join(find_detector(text).words() for text in plan.detectors)
    attack = plan.attack.attack
    title = ATTACKS[attack].title if attack in ATTACKS else attack
    knowing = " and the attacks that know them" if plan.evading else ""
    count = len(plan.pairs)
    return f"{detectors}; {title}{knowing}; {count} {'pair' if count == 1 else 'pairs'}"
