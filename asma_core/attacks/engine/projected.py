"""What PGD, SegPGD and CosPGD share: signed or unit steps, a projection, a random start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.attacks.engine.balls import check_budget, linf_bounds, project_l2
from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState
from asma_core.attacks.engine.pixels import entropy_weights, random_like
from asma_core.attacks.settings import (
    LINF,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
    goal_setting,
    norm_setting,
    steps_setting,
    stop_setting,
)
from asma_core.fields import setting
from asma_core.lazy import Tensor, torch

BUDGET_PRESETS: Final[Mapping[str, Mapping[str, Any]]] = {
    "quick": {"steps": 40, "target_iou": 0.9},
    "strong": {"steps": 300},
}


@dataclass(frozen=True)
class BudgetConfig(CommonConfig):
    """Settings of PGD, SegPGD and CosPGD."""

    steps: int = steps_setting(100)
    goal_is: Aim = goal_setting(TOWARDS)
    norm: Literal["linf", "l2"] = norm_setting(LINF, "In which the budget is measured.")
    budget: float | None = setting(
        None,
        "Budget",
        "Largest norm of the change, in [0, 1] units. Automatic: 8/255 in Linf; in L2 a root mean "
        "square of 4/255 over the values that may change.",
        minimum=0.0,
        maximum=1e4,
        open_minimum=True,
    )
    step_size: float | None = setting(
        None,
        "Step size",
        "Length of a step in that norm. Automatic: 2.5 times the budget over the steps.",
        minimum=0.0,
        maximum=1e4,
        open_minimum=True,
        advanced=True,
    )
    random_start: bool = setting(
        False,
        "Random start",
        "Begin at a random place within the budget; it hangs on the seed.",
        advanced=True,
    )
    stop_at_target: bool = stop_setting()

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, self.norm, aim=self.goal_is)


LINF_BUDGET: Final = 8.0 / 255.0
L2_BUDGET_RMS: Final = 4.0 / 255.0
# Madry et al.: steps that together could cross the ball two and a half times.
CROSSINGS: Final = 2.5


# How much each pixel's cross-entropy counts at a step, float32 (B, H', W') and at least 0; the
# second argument tells whether the attack leads away from the mask.
PixelWeights = Callable[[AttackState, bool], Tensor]


class Projected(AttackRule):
    """Steps along the gradient of a weighed cross-entropy, each projected onto the budget."""

    def __init__(
        self, batch: AttackBatch, config: BudgetConfig, pixel_weights: PixelWeights
    ) -> None:
        """Start at the originals."""
        self._config = config
        self._pixel_weights = pixel_weights
        self._away = config.goal().away
        self._budget = chosen_budget(batch, config.norm, config.budget)
        if config.norm == LINF:
            check_budget(float(self._budget.min()), LINF, config.rounding)
            self._low, self._high = linf_bounds(batch, self._budget, config.rounding)
        given = config.step_size
        automatic = CROSSINGS * self._budget / config.steps
        self._size = automatic if given is None else torch.full_like(automatic, given)
        rows = zip(batch.indices.tolist(), self._budget.tolist(), self._size.tolist(), strict=True)
        self._chosen = {index: {"budget": b, "step_size": s} for index, b, s in rows}

    def logit_weights(self, state: AttackState) -> Tensor | None:
        """Lower (or raise) the weighed cross-entropy with the mask."""
        if state.step == 0 and self._config.random_start:
            return None
        pull = self._pixel_weights(state, self._away) * state.batch.valid
        return entropy_weights(state.logits, state.batch.target, -pull if self._away else pull)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Step and project; the first step may be a random start."""
        if state.step == 0 and self._config.random_start:
            noise = random_like(state.images)
            moved = state.images + per_image(self._budget / self._length(noise)) * noise
        elif self._config.norm == LINF:
            moved = state.images + per_image(self._size) * gradient.sign()
        else:
            moved = state.images + per_image(self._size / self._length(gradient)) * gradient
        if self._config.norm == LINF:
            return moved.clamp_(self._low, self._high)
        return project_l2(moved, state.batch, self._budget, self._config.rounding)

    def _length(self, direction: Tensor) -> Tensor:
        if self._config.norm == LINF:
            return direction.abs().flatten(1).amax(dim=1).clamp_min(1e-30)
        return norms(direction).clamp_min(1e-30).to(direction)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return budget and step size of each image."""
        return self._chosen


def budgets(batch: AttackBatch, budget: Tensor) -> dict[int, dict[str, float]]:
    """Return the budget of each image, (B,), as `AttackRule.chosen` names it."""
    rows = zip(batch.indices.tolist(), budget.tolist(), strict=True)
    return {index: {"budget": own} for index, own in rows}


def chosen_budget(batch: AttackBatch, norm: str, budget: float | None) -> Tensor:
    """Return the budget of each image, float32 (B,), as given or automatic."""
    count = batch.images.new_ones(len(batch.images))
    if budget is not None:
        return budget * count
    if norm == LINF:
        return LINF_BUDGET * count
    values = batch.region.flatten(1).sum(dim=1) * batch.images.shape[1]
    return L2_BUDGET_RMS * values.to(count).sqrt()
