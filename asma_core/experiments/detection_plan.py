"""What is asked of detectors: which, of which attack on which network's images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from asma_core.attacks.registry import check_suits, find_attack
from asma_core.defences.detectors.contract import check_judges
from asma_core.defences.detectors.registry import find_detector
from asma_core.errors import InputError
from asma_core.experiments.plan import Plan, Variant, plan_from_dict, variant
from asma_core.experiments.plan_folder import KeptPlan, PlanFolder
from asma_core.models.sources.model_card import ModelCard
from asma_core.runs.execution import DEFAULT, Execution

EVADE: Final = "evade"
ADAPTIVE: Final = "adaptive"
# Of which files there are figures, in the order in which they are told.
KINDS: Final = {
    "noise": "noise of the same L2",
    "attacked": "attacked",
    ADAPTIVE: "attacked, knowing it",
}
# Settings by which it is said what an attack is to reach.
_GOAL: Final = ("target_iou", "goal_is", "rounding")


@dataclass(frozen=True)
class DetectionPlan(KeptPlan):
    """What is asked.

    Attributes:
        model: Name of the network.
        dataset: Name or folder of the data set.
        pairs: Names of an image and of the image whose mask is its target.
        attack: The attack with its settings, which does not know the detectors.
        detectors: As `find_detector` reads them, each once.
        evading: For each detector the attack that knows it; empty where none is asked.
        execution: How the runs are carried out.
    """

    model: str
    dataset: str
    pairs: tuple[tuple[str, str], ...]
    attack: Variant
    detectors: tuple[str, ...]
    evading: tuple[Variant, ...] = ()
    execution: Execution = DEFAULT

    @property
    def rows(self) -> tuple[Variant, ...]:
        """The attacks on each pair, the one that does not know first."""
        return (self.attack, *self.evading)

    @property
    def part(self) -> Plan:
        """The experiment that it is."""
        return Plan(self.model, self.dataset, self.pairs, self.rows, self.execution)

    @property
    def total(self) -> int:
        """How many runs it takes."""
        return len(self.pairs) * len(self.rows)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as `detection_plan_from_dict` takes them."""
        return self.part.as_dict() | {"detectors": list(self.detectors)}


def detection_plan_from_dict(values: Mapping[str, Any]) -> DetectionPlan:
    """Return the plan that `DetectionPlan.as_dict` made plain."""
    rest = dict(values)
    detectors = tuple(map(str, rest.pop("detectors")))
    own = plan_from_dict(rest)
    attack, *known = own.variants
    return DetectionPlan(
        own.model, own.dataset, own.pairs, attack, detectors, tuple(known), own.execution
    )


class DetectionPlans(PlanFolder[DetectionPlan]):
    """The plans that somebody asked for, each a file of the data folder."""

    def __init__(self, home: Path) -> None:
        """Find them under `home`/detection."""
        super().__init__(home / "detection", detection_plan_from_dict)


def evading(detector: str, settings: Mapping[str, str], steps: int, budget: str = "") -> Variant:
    """Return the attack that knows a detector, with the goal of one that does not.

    Args:
        detector: As `find_detector` reads it.
        settings: Of the other attack, as texts; its goal is taken over, the rest is its own.
        steps: Of this one.
        budget: Of this one, L2 in [0, 1] units; "" for the automatic one.

    Raises:
        UnknownNameError, InputError: As for `find_detector` and `variant`.
    """
    find_detector(detector)
    name, _, own = detector.partition(":")
    goal = {setting: text for setting, text in settings.items() if setting in _GOAL}
    goal |= {"budget": budget} if budget else {}
    goal |= {"steps": str(steps), "detector": name, "detector_settings": own}
    return replace(variant(EVADE, goal), label=f"{EVADE} {detector}")


def check_asked(plan: DetectionPlan, card: ModelCard) -> None:
    """Check that a plan can be carried out on its network.

    Raises:
        UnknownNameError: No such detector or attack.
        InputError: A detector that can't judge the network, an attack that does not suit it, or one
            that knows a detector where there are no gradients.
    """
    for text in plan.detectors:
        check_judges(find_detector(text), card.name, card.output.fit)
    check_suits(find_attack(plan.attack.attack), card.name, card.takes_gradients)
    if plan.evading and not card.takes_gradients:
        raise InputError(
            f"{card.name} takes no gradients, so that no attack can know a detector; leave that "
            "attack out (--no-adaptive)"
        )
