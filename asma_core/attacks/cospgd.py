"""CosPGD: PGD whose pixels are weighed by how well softmax and one-hot label agree.

Source: Agnihotri, Jung, Keuper, "CosPGD: an efficient white-box adversarial attack for pixel-wise
prediction tasks", ICML 2024, arXiv:2302.02213: the weight is the cosine p_y / ||p||_2 of softmax
and one-hot label, without a gradient of its own; towards a target one minus that. Random start.
Deviations as in `pgd`; the image is looked at once before the random start.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from asma_core.attacks.budget_configs import CosPgdConfig
from asma_core.attacks.engine.loop import Look, MethodAttack
from asma_core.attacks.engine.projected import Projected


def _aligned(look: Look, away: bool) -> Tensor:
    likely = look.logits.softmax(dim=1)
    of_mask = likely.gather(1, look.problem.target[:, None])[:, 0]
    # On a CPU, vector_norm over a dimension that is not the last is 50 times slower.
    cosine: Tensor = of_mask / likely.square_().sum(dim=1).sqrt_()
    return cosine if away else 1.0 - cosine


COSPGD: Final = MethodAttack(
    CosPgdConfig, lambda problem, config: Projected(problem, config, _aligned)
)
