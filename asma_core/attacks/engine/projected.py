"""What PGD, SegPGD and CosPGD share: signed or unit steps, a projection, a random start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.budget_configs import BudgetConfig
from asma_core.attacks.configs import LINF
from asma_core.attacks.engine.balls import check_budget, linf_bounds, project_l2
from asma_core.attacks.engine.batch import Problem, norms, per_image
from asma_core.attacks.engine.loop import Look, Method
from asma_core.attacks.engine.pixels import entropy_weights, random_like

LINF_BUDGET: Final = 8.0 / 255.0
L2_BUDGET_RMS: Final = 4.0 / 255.0
# Madry et al.: steps that together could cross the ball two and a half times.
CROSSINGS: Final = 2.5


# How much each pixel's cross-entropy counts at a step, float32 (B, H', W') and at least 0; the
# second argument tells whether the attack leads away from the mask.
PixelWeights = Callable[[Look, bool], Tensor]


class Projected(Method):
    """Steps along the gradient of a weighed cross-entropy, each projected onto the budget."""

    def __init__(self, problem: Problem, config: BudgetConfig, pixel_weights: PixelWeights) -> None:
        """Start at the originals."""
        self._config = config
        self._pixel_weights = pixel_weights
        self._away = config.goal().away
        self._budget = chosen_budget(problem, config.norm, config.budget)
        if config.norm == LINF:
            check_budget(float(self._budget.min()), LINF, config.rounding)
            self._low, self._high = linf_bounds(problem, self._budget, config.rounding)
        given = config.step_size
        automatic = CROSSINGS * self._budget / config.steps
        self._size = automatic if given is None else torch.full_like(automatic, given)
        rows = zip(
            problem.indices.tolist(), self._budget.tolist(), self._size.tolist(), strict=True
        )
        self._chosen = {index: {"budget": b, "step_size": s} for index, b, s in rows}

    def weights(self, look: Look) -> Tensor | None:
        """Lower (or raise) the weighed cross-entropy with the mask."""
        if look.step == 0 and self._config.random_start:
            return None
        pull = self._pixel_weights(look, self._away) * look.problem.valid
        return entropy_weights(look.logits, look.problem.target, -pull if self._away else pull)

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """Step and project; the first step may be a random start."""
        if look.step == 0 and self._config.random_start:
            noise = random_like(look.images)
            moved = look.images + per_image(self._budget / self._length(noise)) * noise
        elif self._config.norm == LINF:
            moved = look.images + per_image(self._size) * gradient.sign()
        else:
            moved = look.images + per_image(self._size / self._length(gradient)) * gradient
        if self._config.norm == LINF:
            return moved.clamp_(self._low, self._high)
        return project_l2(moved, look.problem, self._budget, self._config.rounding)

    def _length(self, direction: Tensor) -> Tensor:
        if self._config.norm == LINF:
            return direction.abs().flatten(1).amax(dim=1).clamp_min(1e-30)
        return norms(direction).clamp_min(1e-30).to(direction)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return budget and step size of each image."""
        return self._chosen


def budgets(problem: Problem, budget: Tensor) -> dict[int, dict[str, float]]:
    """Return the budget of each image, (B,), as `Method.chosen` names it."""
    rows = zip(problem.indices.tolist(), budget.tolist(), strict=True)
    return {index: {"budget": own} for index, own in rows}


def chosen_budget(problem: Problem, norm: str, budget: float | None) -> Tensor:
    """Return the budget of each image, float32 (B,), as given or automatic."""
    count = problem.images.new_ones(len(problem.images))
    if budget is not None:
        return budget * count
    if norm == LINF:
        return LINF_BUDGET * count
    values = problem.region.flatten(1).sum(dim=1) * problem.images.shape[1]
    return L2_BUDGET_RMS * values.to(count).sqrt()
