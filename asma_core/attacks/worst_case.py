"""The worst case: a set of attacks on every image, of which the nearest success counts."""

from __future__ import annotations

from typing import Final

from asma_core.attacks.asma import ASMA
from asma_core.attacks.budget_configs import BudgetConfig
from asma_core.attacks.configs import DynamicConfig
from asma_core.attacks.engine.sequence import Sequence, Stage
from asma_core.attacks.ensemble_configs import WorstCaseConfig
from asma_core.attacks.minimal import MINIMAL
from asma_core.attacks.minimal_configs import MinimalConfig
from asma_core.attacks.pgd import PGD


def _stages(config: WorstCaseConfig) -> list[Stage]:
    target, rounding, norm = config.target_iou, config.rounding, config.norm
    return [
        Stage("minimal", MINIMAL, MinimalConfig(target, rounding=rounding, norm=norm)),
        Stage("asma", ASMA, DynamicConfig(target, rounding=rounding)),
        Stage("pgd", PGD, BudgetConfig(target, rounding=rounding, norm=norm)),
    ]


WORST_CASE: Final = Sequence(WorstCaseConfig, _stages)
