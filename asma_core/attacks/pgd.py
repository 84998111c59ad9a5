"""PGD, projected gradient descent on the mean cross-entropy, Linf and L2.

Source: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018,
arXiv:1706.06083, there for classifiers; here every pixel that counts is one. Deviations: an image
stops at its first success (`stop_at_target`); the best image is kept; there is no random start
unless asked for; the network sees the image as rounded (`rounding`).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.budget_configs import BudgetConfig
from asma_core.attacks.engine.loop import Look, MethodAttack
from asma_core.attacks.engine.projected import Projected


def _alike(look: Look, _away: bool) -> Tensor:
    return torch.ones_like(look.logits[:, 0])


PGD: Final = MethodAttack(BudgetConfig, lambda problem, config: Projected(problem, config, _alike))
