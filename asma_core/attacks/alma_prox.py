"""ALMA prox: the smallest Linf change by an augmented Lagrangian with a proximal step.

Source: Rony, Pesquet, Ben Ayed, "Proximal Splitting Adversarial Attacks for Semantic Segmentation",
CVPR 2023, arXiv:2206.07179. Each pixel is a constraint: its margin, divided by the range between
the first and the third logit, is to be negative. A penalty with a multiplier and a weight per pixel
gives the gradient; a proximal step of the Linf norm in a diagonal metric follows.

Deviations: with two classes there is no third logit and the plain margin over its own median size
serves; what the paper calls the share of constraints to be kept follows from the target IoU; the
numbers that its 500 steps assume (weights double every 10 steps, the step falls to a tenth) keep
their place in a run of other length, and without so many steps the first one is longer in
proportion; the range counts as a constant in the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asma_core.attacks.contract import SMALLEST_CHANGE, AttackEntry
from asma_core.attacks.engine.batch import AttackBatch, largest
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.engine.pixels import keepable, margin_weights, margins, typical_size
from asma_core.attacks.engine.proximal import prox_linf
from asma_core.attacks.settings import (
    LINF,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
    goal_setting,
    steps_setting,
)
from asma_core.fields import setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class AlmaConfig(CommonConfig):
    """Settings of ALMA prox, which minimises Linf."""

    steps: int = steps_setting(500)
    goal_is: Aim = goal_setting(TOWARDS)
    step_size: float = setting(
        1e-3,
        "Step size",
        "Of the first steps, in [0, 1] units; it falls to a tenth.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        step=0.001,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: it goes on after a success, to a smaller change."""
        return Goal(stops=False, norm=LINF, aim=self.goal_is)


PAPER_STEPS: Final = 500
WEIGHT_FIRST: Final = 0.01
WEIGHT_GROWS: Final = 2.0
CHECK_EVERY: Final = 10
IMPROVES: Final = 0.95
MULTIPLIER_MEMORY: Final = 0.8
MULTIPLIERS: Final = (1e-12, 1.0)
SCALES: Final = (0.1, 1.0)
SCALE_ON_SUCCESS: Final = 1.02
SCALE_ON_FAILURE: Final = 0.98
METRIC_MEMORY: Final = 0.99
STEP_FALLS_TO: Final = 0.1


class _AugmentedLagrangian(AttackRule):
    def __init__(self, batch: AttackBatch, config: AlmaConfig) -> None:
        count, shape = len(batch.images), batch.target.shape
        self._away = config.goal().away
        self._free = 1.0 - config.target_iou
        self._stretch = max(1.0, PAPER_STEPS / config.steps)
        self._every = max(2, round(CHECK_EVERY / self._stretch))
        self._step_size = config.step_size * self._stretch
        self._multiplier = batch.images.new_full(shape, 1.0)
        self._weight = batch.images.new_full(shape, WEIGHT_FIRST)
        self._constraint = batch.images.new_full(shape, torch.inf)
        self._scale = batch.images.new_ones(count)
        self._squares = torch.zeros_like(batch.images)
        self._level = batch.images.new_zeros(count)
        self._typical: Tensor | None = None

    def logit_weights(self, state: AttackState) -> Tensor:
        """Lower the penalty of the constraints, without the worst, which may stay."""
        constraint, target, rivals, unit = self._constraint_of(state)
        self._adapt(state, constraint)
        # At void pixels the penalty may grow beyond all bounds, and infinity times 0 is no number.
        scaled = constraint.where(state.batch.valid, 0.0) * self._scale.view(-1, 1, 1)
        slope = _penalty_slope(scaled, self._multiplier, self._weight)
        moving = MULTIPLIER_MEMORY * self._multiplier + (1.0 - MULTIPLIER_MEMORY) * slope
        self._multiplier = moving.clamp(*MULTIPLIERS)
        pull = (
            slope
            * self._scale.view(-1, 1, 1)
            / unit
            * keepable(constraint, state.batch, self._free)
        )
        return margin_weights(state.logits, target, rivals, pull)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """A step in the metric of the gradients so far, then the proximal one, then the box."""
        self._squares.mul_(METRIC_MEMORY).addcmul_(gradient, gradient, value=1.0 - METRIC_MEMORY)
        seen = 1.0 - METRIC_MEMORY ** (state.step + 1)
        size = self._step_size * STEP_FALLS_TO ** (state.step / state.steps)
        # The root of the mean square of the gradients, over the step size.
        metric = (self._squares * (1.0 / (seen * size**2))).sqrt_().add_(1e-12 / size)
        change = (state.images - state.batch.images).addcdiv_(gradient, metric)
        weight = metric.new_ones(len(metric))
        change = prox_linf(change, metric, weight, self._level)
        self._level = largest(change)
        change = state.batch.within(change)
        return change.add_(state.batch.images).clamp_(0.0, 1.0)

    def _constraint_of(self, state: AttackState) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return margin over range, the classes to raise and to lower, and the range."""
        margin, rivals = margins(state.logits, state.batch.target)
        raised, lowered = state.batch.target, rivals
        if self._away:
            margin, raised, lowered = -margin, rivals, state.batch.target
        if state.logits.shape[1] > 2:
            top = state.logits.topk(3, dim=1).values
            unit = (top[:, 0] - top[:, 2]).clamp_min(1e-6)
        else:
            if self._typical is None:
                self._typical = typical_size(margin, state.batch)
            unit = self._typical.expand_as(margin)
        return margin / unit, raised, lowered, unit

    def _adapt(self, state: AttackState, constraint: Tensor) -> None:
        """Double the weight of pixels that do not improve; tighten or loosen all constraints."""
        if state.step and state.step % self._every == 0:
            fails = (constraint > 0) & (constraint > IMPROVES * self._constraint)
            self._weight = torch.where(fails, WEIGHT_GROWS * self._weight, self._weight)
            self._weight = self._weight.clamp_max(1e6)
            self._constraint = constraint
        elif state.step == 0:
            self._constraint = constraint
        success = state.success.to(self._scale.device)
        by = torch.where(success, SCALE_ON_SUCCESS, SCALE_ON_FAILURE) ** self._stretch
        self._scale = (self._scale / by).clamp(*SCALES)


def _penalty_slope(value: Tensor, multiplier: Tensor, weight: Tensor) -> Tensor:
    """Return P'(v) of P(v) = mu v + mu rho v^2 + rho^2 v^3 / 6, and mu v / (1 - rho' v) below 0."""
    above = multiplier + 2.0 * multiplier * weight * value + 0.5 * weight**2 * value**2
    below = multiplier / (1.0 - weight.clamp_min(1.0) * value.clamp_max(0.0)) ** 2
    return torch.where(value >= 0, above, below)


ALMA_PROX: Final = RuleAttack(AlmaConfig, _AugmentedLagrangian)

ENTRY: Final = AttackEntry(
    "alma-prox",
    "ALMA prox",
    SMALLEST_CHANGE,
    "The smallest Linf change: augmented Lagrangian with a proximal step.",
    "arXiv:2206.07179",
    AlmaConfig,
    ALMA_PROX,
)
