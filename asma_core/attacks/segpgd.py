"""SegPGD: PGD whose weight moves from pixels that are still to be won to those that are.

Source: Gu et al., "SegPGD: An Effective and Efficient Adversarial Attack for Evaluating and
Boosting Segmentation Robustness", ECCV 2022, arXiv:2207.12391, eq. 4 to 6: untargeted, pixels that
are still right weigh 1 - t and the others t, with t = n / 2N at step n of N. Towards a target the
pixels that are not there yet weigh 1 - t. Deviations as in `pgd`.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.budget_configs import BudgetConfig
from asma_core.attacks.engine.loop import Look, MethodAttack
from asma_core.attacks.engine.projected import Projected


def _shifting(look: Look, away: bool) -> Tensor:
    share = look.step / (2.0 * look.steps)
    at_mask = look.predictions == look.problem.target
    to_be_won = at_mask if away else ~at_mask
    return torch.where(to_be_won, 1.0 - share, share).to(look.logits)


SEGPGD: Final = MethodAttack(
    BudgetConfig, lambda problem, config: Projected(problem, config, _shifting)
)
