"""The worst case: a set of attacks on every image, of which the nearest success counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from asma_core.attacks.asma.attack import ASMA
from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.contract import THE_WORST, AttackEntry
from asma_core.attacks.engine.projected import BudgetConfig
from asma_core.attacks.engine.sequence import Sequence, Stage
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.attacks.pgd import PGD
from asma_core.attacks.settings import L2, CommonConfig, Goal, norm_setting, steps_setting


@dataclass(frozen=True)
class WorstCaseConfig(CommonConfig):
    """Settings of the worst case."""

    steps: int = steps_setting(300, "Most updates of the image, shared by the attacks.", minimum=3)
    norm: Literal["l2", "linf"] = norm_setting(
        L2, "In which the nearest success of all attacks is chosen."
    )

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(stops=False, norm=self.norm)


def _stages(config: WorstCaseConfig) -> list[Stage]:
    target, rounding, norm = config.target_iou, config.rounding, config.norm
    return [
        Stage("minimal", MINIMAL, MinimalConfig(target, rounding=rounding, norm=norm)),
        Stage("asma", ASMA, DynamicConfig(target, rounding=rounding)),
        Stage("pgd", PGD, BudgetConfig(target, rounding=rounding, norm=norm)),
    ]


WORST_CASE: Final = Sequence(WorstCaseConfig, _stages)

ENTRY: Final = AttackEntry(
    "worst-case",
    "Worst case",
    THE_WORST,
    "Minimal, ASMA and PGD on every image; the nearest success counts.",
    "several attacks",
    WorstCaseConfig,
    WORST_CASE,
)
