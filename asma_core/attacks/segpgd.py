"""SegPGD: PGD whose weight moves from pixels that are still to be won to those that are.

Source: Gu et al., "SegPGD: An Effective and Efficient Adversarial Attack for Evaluating and
Boosting Segmentation Robustness", ECCV 2022, arXiv:2207.12391, eq. 4 to 6: untargeted, pixels that
are still right weigh 1 - t and the others t, with t = n / 2N at step n of N. Towards a target the
pixels that are not there yet weigh 1 - t. Deviations as in `pgd`.
"""

from __future__ import annotations

from typing import Final

from asma_core.attacks.contract import WITHIN_BUDGET, AttackEntry
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.engine.projected import BUDGET_PRESETS, BudgetConfig, projected
from asma_core.lazy import Tensor, torch


def _shifting(state: AttackState, away: bool) -> Tensor:
    share = state.step / (2.0 * state.steps)
    at_mask = state.predictions == state.batch.target
    to_be_won = at_mask if away else ~at_mask
    return torch.where(to_be_won, 1.0 - share, share).to(state.logits)


SEGPGD: Final = projected(BudgetConfig, _shifting)

ENTRY: Final = AttackEntry(
    "segpgd",
    "SegPGD",
    WITHIN_BUDGET,
    "PGD that turns from pixels still to be won to those that are.",
    "arXiv:2207.12391",
    BudgetConfig,
    SEGPGD,
    BUDGET_PRESETS,
    monotone=True,
)
