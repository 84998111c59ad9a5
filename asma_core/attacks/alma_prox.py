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

from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.engine.batch import Problem, largest
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.engine.pixels import keepable, margin_weights, margins, typical_size
from asma_core.attacks.engine.proximal import prox_linf
from asma_core.attacks.proximal_configs import AlmaConfig

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


class _AugmentedLagrangian(Method):
    def __init__(self, problem: Problem, config: AlmaConfig) -> None:
        count, shape = len(problem.images), problem.target.shape
        self._away = config.goal().away
        self._free = 1.0 - config.target_iou
        self._stretch = max(1.0, PAPER_STEPS / config.steps)
        self._every = max(2, round(CHECK_EVERY / self._stretch))
        self._step_size = config.step_size * self._stretch
        self._multiplier = problem.images.new_full(shape, 1.0)
        self._weight = problem.images.new_full(shape, WEIGHT_FIRST)
        self._constraint = problem.images.new_full(shape, torch.inf)
        self._scale = problem.images.new_ones(count)
        self._squares = torch.zeros_like(problem.images)
        self._level = problem.images.new_zeros(count)
        self._typical: Tensor | None = None

    def weights(self, look: Look) -> Tensor:
        """Lower the penalty of the constraints, without the worst, which may stay."""
        constraint, target, rivals, unit = self._constraint_of(look)
        self._adapt(look, constraint)
        # At void pixels the penalty may grow beyond all bounds, and infinity times 0 is no number.
        scaled = constraint.where(look.problem.valid, 0.0) * self._scale.view(-1, 1, 1)
        slope = _penalty_slope(scaled, self._multiplier, self._weight)
        moving = MULTIPLIER_MEMORY * self._multiplier + (1.0 - MULTIPLIER_MEMORY) * slope
        self._multiplier = moving.clamp(*MULTIPLIERS)
        pull = (
            slope
            * self._scale.view(-1, 1, 1)
            / unit
            * keepable(constraint, look.problem, self._free)
        )
        return margin_weights(look.logits, target, rivals, pull)

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """A step in the metric of the gradients so far, then the proximal one, then the box."""
        self._squares.mul_(METRIC_MEMORY).addcmul_(gradient, gradient, value=1.0 - METRIC_MEMORY)
        seen = 1.0 - METRIC_MEMORY ** (look.step + 1)
        size = self._step_size * STEP_FALLS_TO ** (look.step / look.steps)
        # The root of the mean square of the gradients, over the step size.
        metric = (self._squares * (1.0 / (seen * size**2))).sqrt_().add_(1e-12 / size)
        change = (look.images - look.problem.images).addcdiv_(gradient, metric)
        weight = metric.new_ones(len(metric))
        change = prox_linf(change, metric, weight, self._level)
        self._level = largest(change)
        change = look.problem.within(change)
        return change.add_(look.problem.images).clamp_(0.0, 1.0)

    def _constraint_of(self, look: Look) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return margin over range, the classes to raise and to lower, and the range."""
        margin, rivals = margins(look.logits, look.problem.target)
        raised, lowered = look.problem.target, rivals
        if self._away:
            margin, raised, lowered = -margin, rivals, look.problem.target
        if look.logits.shape[1] > 2:
            top = look.logits.topk(3, dim=1).values
            unit = (top[:, 0] - top[:, 2]).clamp_min(1e-6)
        else:
            if self._typical is None:
                self._typical = typical_size(margin, look.problem)
            unit = self._typical.expand_as(margin)
        return margin / unit, raised, lowered, unit

    def _adapt(self, look: Look, constraint: Tensor) -> None:
        """Double the weight of pixels that do not improve; tighten or loosen all constraints."""
        if look.step and look.step % self._every == 0:
            fails = (constraint > 0) & (constraint > IMPROVES * self._constraint)
            self._weight = torch.where(fails, WEIGHT_GROWS * self._weight, self._weight)
            self._weight = self._weight.clamp_max(1e6)
            self._constraint = constraint
        elif look.step == 0:
            self._constraint = constraint
        success = look.success.to(self._scale.device)
        by = torch.where(success, SCALE_ON_SUCCESS, SCALE_ON_FAILURE) ** self._stretch
        self._scale = (self._scale / by).clamp(*SCALES)


def _penalty_slope(value: Tensor, multiplier: Tensor, weight: Tensor) -> Tensor:
    """Return P'(v) of P(v) = mu v + mu rho v^2 + rho^2 v^3 / 6, and mu v / (1 - rho' v) below 0."""
    above = multiplier + 2.0 * multiplier * weight * value + 0.5 * weight**2 * value**2
    below = multiplier / (1.0 - weight.clamp_min(1.0) * value.clamp_max(0.0)) ** 2
    return torch.where(value >= 0, above, below)


ALMA_PROX: Final = MethodAttack(AlmaConfig, _AugmentedLagrangian)
