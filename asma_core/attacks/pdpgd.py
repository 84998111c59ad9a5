"""PDPGD: the smallest L2 or Linf change by primal-dual proximal gradient descent.

Source: Matyasko, Chau, "PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack",
arXiv:2106.01538, for classifiers; for segmentation as in Rony et al., arXiv:2206.07179, with a
constraint per pixel. The image descends softplus of the margins, weighed by a softmax of dual
variables of which one belongs to the norm; the duals move by the sign of each margin; a proximal
step of the norm follows.

Deviations: L1 is left out; the dual step and the memory are relative to 500 steps, so that a
shorter run comes as far; the worst pixels, as many as the target IoU lets stay wrong, do not pull;
margins are kept with some headroom; the proximal L2 step takes the mean of the metric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from asma_core.attacks.contract import SMALLEST_CHANGE, AttackEntry
from asma_core.attacks.engine.batch import AttackBatch, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.engine.pixels import keepable, margin_weights, margins, typical_size
from asma_core.attacks.engine.proximal import prox_l2, prox_linf
from asma_core.attacks.settings import (
    L2,
    LINF,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
    goal_setting,
    norm_setting,
    steps_setting,
)
from asma_core.fields import setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class PdpgdConfig(CommonConfig):
    """Settings of PDPGD."""

    steps: int = steps_setting(500)
    goal_is: Aim = goal_setting(TOWARDS)
    norm: Literal["l2", "linf"] = norm_setting(L2, "What is to be small.")
    step_size: float = setting(
        1e-2,
        "Step size",
        "Of the first steps, in [0, 1] units; it falls to a tenth.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        advanced=True,
    )
    dual_step: float = setting(
        0.1,
        "Dual step",
        "By how much the logarithm of a pixel's weight moves at a step.",
        minimum=0.0,
        maximum=10.0,
        open_minimum=True,
        step=0.1,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: it goes on after a success, to a smaller change."""
        return Goal(stops=False, norm=self.norm, aim=self.goal_is)


PAPER_STEPS: Final = 500
METRIC_MEMORY: Final = 0.99
STEP_FALLS_TO: Final = 0.1
LARGEST_DUAL: Final = 20.0
# A constraint is kept with this share of the median margin to spare, or its pixel would flip back
# and forth.
HEADROOM: Final = 0.1


class _PrimalDual(AttackRule):
    def __init__(self, batch: AttackBatch, config: PdpgdConfig) -> None:
        self._config = config
        self._away = config.goal().away
        stretch = max(1.0, PAPER_STEPS / config.steps)
        self._dual_step = min(config.dual_step * stretch, 2.0)
        # Logarithms of the pixels' weights over the norm's; at first all pixels together weigh it.
        count = batch.valid.flatten(1).sum(dim=1).to(batch.images).clamp_min(1.0)
        self._dual = -count.log().view(-1, 1, 1).expand(batch.target.shape).clone()
        self._squares = batch.images.new_zeros(len(batch.images))
        self._unit: Tensor | None = None
        self._norm_weight = batch.images.new_ones(len(batch.images))

    def logit_weights(self, state: AttackState) -> Tensor:
        """Lower softplus of the margins, by the softmax of the duals."""
        margin, rivals = margins(state.logits, state.batch.target)
        raised, lowered = state.batch.target, rivals
        if self._away:
            margin, raised, lowered = -margin, rivals, state.batch.target
        if self._unit is None:
            self._unit = typical_size(margin, state.batch)
        margin = margin + HEADROOM * self._unit
        moved = self._dual + self._dual_step * margin.sign()
        self._dual = moved.clamp_max(LARGEST_DUAL)
        counted = self._dual.where(state.batch.valid, -torch.inf).flatten(1)
        both = torch.cat((counted.new_zeros(len(counted), 1), counted), dim=1).softmax(dim=1)
        self._norm_weight = both[:, 0]
        kept = keepable(margin, state.batch, 1.0 - self._config.target_iou)
        pull = both[:, 1:].view_as(margin) * margin.sigmoid() * kept
        return margin_weights(state.logits, raised, lowered, pull)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """A step scaled by the gradients so far, then the proximal one, then the box."""
        squares = gradient.square().flatten(1).mean(dim=1)
        self._squares = METRIC_MEMORY * self._squares + (1.0 - METRIC_MEMORY) * squares
        root = (self._squares / (1.0 - METRIC_MEMORY ** (state.step + 1))).sqrt().clamp_min(1e-20)
        size = self._config.step_size * STEP_FALLS_TO ** (state.step / state.steps)
        change = state.images - state.batch.images + gradient * per_image(size / root)
        metric = per_image(root / size).expand_as(change)
        prox = prox_linf if self._config.norm == LINF else prox_l2
        change = prox(change, metric, self._norm_weight) * state.batch.region
        return (state.batch.images + change).clamp_(0.0, 1.0)


PDPGD: Final = RuleAttack(PdpgdConfig, _PrimalDual)

ENTRY: Final = AttackEntry(
    "pdpgd",
    "PDPGD",
    SMALLEST_CHANGE,
    "The smallest L2 or Linf change: primal-dual proximal gradient descent.",
    "arXiv:2106.01538",
    PdpgdConfig,
    PDPGD,
)
