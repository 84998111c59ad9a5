"""CosPGD: PGD whose pixels are weighed by how well softmax and one-hot label agree.

Source: Agnihotri, Jung, Keuper, "CosPGD: an efficient white-box adversarial attack for pixel-wise
prediction tasks", ICML 2024, arXiv:2302.02213: the weight is the cosine p_y / ||p||_2 of softmax
and one-hot label, without a gradient of its own; towards a target one minus that. Random start.
Deviations as in `pgd`; the image is looked at once before the random start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asma_core.attacks.contract import WITHIN_BUDGET, AttackEntry
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.engine.projected import BUDGET_PRESETS, BudgetConfig, projected
from asma_core.fields import setting
from asma_core.lazy import Tensor


@dataclass(frozen=True)
class CosPgdConfig(BudgetConfig):
    """Settings of CosPGD, which starts at random."""

    random_start: bool = setting(
        True,
        "Random start",
        "Begin at a random place within the budget; it hangs on the seed.",
        advanced=True,
    )


def _aligned(state: AttackState, away: bool) -> Tensor:
    likely = state.logits.softmax(dim=1)
    of_mask = likely.gather(1, state.batch.target[:, None])[:, 0]
    # On a CPU, vector_norm over a dimension that is not the last is 50 times slower.
    cosine: Tensor = of_mask / likely.square_().sum(dim=1).sqrt_()
    return cosine if away else 1.0 - cosine


COSPGD: Final = projected(CosPgdConfig, _aligned)

ENTRY: Final = AttackEntry(
    "cospgd",
    "CosPGD",
    WITHIN_BUDGET,
    "PGD that weighs pixels by how well softmax and label agree.",
    "arXiv:2302.02213",
    CosPgdConfig,
    COSPGD,
    BUDGET_PRESETS,
    monotone=True,
)
