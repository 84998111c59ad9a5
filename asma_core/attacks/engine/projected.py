"""What PGD, SegPGD and CosPGD share: signed or unit steps, a projection, a random start.

For files that shall fool other networks than the one that is attacked there are, off by default:
momentum (Dong et al., "Boosting Adversarial Attacks with Momentum", CVPR 2018, arXiv:1710.06081,
eq. 6: gradients at unit mean size, where the paper's are at unit L1 norm, which is the same in
direction), input diversity (`diversity.py`), and the whole budget: the papers keep the last image,
here the one of the highest score is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from asma_core.attacks.engine.balls import check_budget, linf_bounds, project_l2
from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.engine.loop import (
    SMALLEST_GRADIENT,
    AttackRule,
    AttackState,
    RuleAttack,
)
from asma_core.attacks.engine.pixels import entropy_weights, random_like
from asma_core.attacks.settings import (
    LINF,
    SCORE,
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
    "transfer": {"momentum": 1.0, "diversity": 0.5, "whole_budget": True},
}
# Settings that records of before 2026-11-30 don't have, with what they were.
LATER: Final[Mapping[str, Any]] = {"momentum": 0.0, "diversity": 0.0, "whole_budget": False}


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
    momentum: float = setting(
        0.0,
        "Momentum",
        "How much of the gradients of the steps before goes into a step; the paper's 1 for files "
        "that shall fool other networks (arXiv:1710.06081). 0: none.",
        minimum=0.0,
        maximum=2.0,
        advanced=True,
    )
    diversity: float = setting(
        0.0,
        "Input diversity",
        "Probability that a step sees the image a little smaller and moved, for files that shall "
        "fool other networks (arXiv:1803.06978). 0: never.",
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )
    whole_budget: bool = setting(
        False,
        "Use the whole budget",
        "Go on to the last step and keep the image of the highest score, not the success with the "
        "smallest change. For files that shall fool other networks.",
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        stops = self.stop_at_target and not self.whole_budget
        return Goal(stops, SCORE if self.whole_budget else self.norm, aim=self.goal_is)


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
        if config.momentum:
            self._velocity = torch.zeros_like(batch.images)
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
        gradient = self._with_momentum(gradient) if self._config.momentum else gradient
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

    def _with_momentum(self, gradient: Tensor) -> Tensor:
        """Add the gradient, at unit mean size, to what is left of those before."""
        size = gradient.abs().flatten(1).mean(dim=1).clamp_min(SMALLEST_GRADIENT)
        self._velocity = self._config.momentum * self._velocity + gradient / per_image(size)
        return self._velocity

    def _length(self, direction: Tensor) -> Tensor:
        if self._config.norm == LINF:
            return direction.abs().flatten(1).amax(dim=1).clamp_min(1e-30)
        return norms(direction).clamp_min(1e-30).to(direction)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return budget and step size of each image."""
        return self._chosen


Config = TypeVar("Config", bound=BudgetConfig)


def projected(config: type[Config], pixel_weights: PixelWeights) -> RuleAttack[Config]:
    """Return the attack that weighs pixels so."""
    return RuleAttack(
        config,
        lambda batch, own: Projected(batch, own, pixel_weights),
        through=_diverse,
    )


def _diverse(model: torch.nn.Module, config: BudgetConfig) -> torch.nn.Module:
    """Stand input diversity before a network, if it is asked for."""
    if not config.diversity:
        return model
    from asma_core.attacks.engine.diversity import Diverse

    return Diverse(model, config.diversity)


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
