"""PGD, projected gradient descent on the mean cross-entropy, Linf and L2.

Source: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018,
arXiv:1706.06083, there for classifiers; here every pixel that counts is one. Deviations: an image
stops at its first success (`stop_at_target`); the best image is kept; there is no random start
unless asked for; the network sees the image as rounded (`rounding`).
"""

from __future__ import annotations

from typing import Final

from asma_core.attacks.contract import WITHIN_BUDGET, AttackEntry
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.engine.projected import BUDGET_PRESETS, BudgetConfig, projected
from asma_core.lazy import Tensor, torch


def _alike(state: AttackState, _away: bool) -> Tensor:
    return torch.ones_like(state.logits[:, 0])


PGD: Final = projected(BudgetConfig, _alike)

ENTRY: Final = AttackEntry(
    "pgd",
    "PGD",
    WITHIN_BUDGET,
    "Signed (or unit) steps down the mean cross-entropy within a budget.",
    "arXiv:1706.06083",
    BudgetConfig,
    PGD,
    BUDGET_PRESETS,
    monotone=True,
)
