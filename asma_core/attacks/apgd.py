"""APGD and its ensemble for segmentation: three losses, shrinking radii, the worst per image.

Sources: Croce, Hein, "Reliable evaluation of adversarial robustness with an ensemble of diverse
parameter-free attacks", ICML 2020, arXiv:2003.01690, algorithm 1, for the step sizes; Croce, Singh,
Hein, "Towards Reliable Evaluation and Fast Training of Robust Semantic Segmentation Models", ECCV
2024, arXiv:2306.12941 (SEA), for the losses (cross-entropy on pixels that are still right, the same
balanced over the classes, Jensen-Shannon divergence), the radii of 2, 1.5 and 1 times the budget
for 3 : 3 : 4 of the steps, and the worst case.

Deviations: the steps are shared by the three losses instead of spent by each; an image that a loss
has brought to the goal is not given to the next; towards a target the same losses are lowered, on
the pixels that are not there yet, which is ours. An image within a larger radius never counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from asma_core.attacks.contract import WITHIN_BUDGET, AttackEntry
from asma_core.attacks.engine.balls import check_budget, linf_bounds
from asma_core.attacks.engine.batch import AttackBatch, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.engine.pixels import entropy_weights
from asma_core.attacks.engine.projected import budgets, chosen_budget
from asma_core.attacks.engine.sequence import Sequence, Stage
from asma_core.attacks.settings import (
    AWAY,
    LINF,
    Aim,
    CommonConfig,
    Goal,
    goal_setting,
    linf_budget_setting,
    steps_setting,
    stop_setting,
)
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class EnsembleConfig(CommonConfig):
    """Settings of the APGD ensemble."""

    steps: int = steps_setting(
        300,
        "Most updates of the image, shared by the three losses with three radii each.",
        minimum=9,
    )
    goal_is: Aim = goal_setting(AWAY)
    budget: float | None = linf_budget_setting()
    stop_at_target: bool = stop_setting()

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, LINF, aim=self.goal_is)


@dataclass(frozen=True)
class ApgdConfig(EnsembleConfig):
    """Settings of one loss of the ensemble, over the three radii."""

    steps: int = steps_setting(100, minimum=3)


RADII: Final = (2.0, 1.5, 1.0)
STAGES: Final = (0.3, 0.6, 1.0)
# Of algorithm 1: the momentum, the share of steps that must improve, and the checkpoints.
MOMENTUM: Final = 0.75
IMPROVING: Final = 0.75
FIRST_CHECK: Final = 0.22
CHECK_SHRINKS: Final = 0.03
SHORTEST_CHECK: Final = 0.06

# Returns the loss of each image, (B,), to be raised, and the logit weights that raise it.
Loss = Callable[[AttackState, bool], tuple[Tensor, Tensor]]


def _open_pixels(state: AttackState, away: bool) -> Tensor:
    """Return float32 (B, H', W'): 1 where the goal is not reached yet."""
    at_mask = state.predictions == state.batch.target
    return ((at_mask if away else ~at_mask) & state.batch.valid).to(state.logits)


def _entropy(state: AttackState, away: bool, pull: Tensor) -> tuple[Tensor, Tensor]:
    entropy = torch.nn.functional.cross_entropy(state.logits, state.batch.target, reduction="none")
    sign, open_pixels = (1.0 if away else -1.0), _open_pixels(state, away)
    # The loss that decides on steps counts a pixel that was won as one at the border between two
    # classes, or every pixel won would look like a step back.
    loss = sign * pull * torch.where(open_pixels > 0, entropy, math.log(2.0) if away else 0.0)
    weights = entropy_weights(state.logits, state.batch.target, -sign * pull * open_pixels)
    return loss.flatten(1).sum(dim=1), weights


def masked_entropy(state: AttackState, away: bool) -> tuple[Tensor, Tensor]:
    """Cross-entropy on the pixels that are still to be won."""
    return _entropy(state, away, state.batch.valid.to(state.logits))


def balanced_entropy(state: AttackState, away: bool) -> tuple[Tensor, Tensor]:
    """The same, each class of the mask weighing as much as any other."""
    target, classes = state.batch.target, state.logits.shape[1]
    counted = state.batch.valid.to(state.logits)
    areas = counted.new_zeros(len(target), classes)
    areas.scatter_add_(1, target.flatten(1), counted.flatten(1))
    shares = areas.sum(dim=1, keepdim=True) / areas.clamp_min(1.0) / classes
    pull = shares.gather(1, target.flatten(1)).view_as(counted) * counted
    return _entropy(state, away, pull)


def jensen_shannon(state: AttackState, away: bool) -> tuple[Tensor, Tensor]:
    """The Jensen-Shannon divergence of softmax and one-hot label, over all pixels that count."""
    leaf = state.logits.detach().requires_grad_()
    likely = leaf.softmax(dim=1)
    of_mask = likely.gather(1, state.batch.target[:, None])[:, 0].clamp(1e-12, 1.0)
    # With a one-hot label the divergence hangs on p_y alone.
    middle = 0.5 * (1.0 + of_mask)
    own = of_mask * (of_mask / middle).log() + (1.0 - of_mask) * math.log(2.0)
    divergence = 0.5 * (own - middle.log()) * state.batch.valid
    loss = (divergence if away else -divergence).flatten(1).sum(dim=1)
    (gradient,) = torch.autograd.grad(loss.sum(), leaf)
    return loss.detach(), gradient


class Apgd(AttackRule):
    """One loss over the three radii."""

    def __init__(self, batch: AttackBatch, config: ApgdConfig, loss: Loss) -> None:
        """Start at the originals, with the largest radius."""
        self._loss_of, self._rounding = loss, config.rounding
        self._away = config.goal().away
        self._budget = chosen_budget(batch, LINF, config.budget)
        check_budget(float(self._budget.min()), LINF, config.rounding)
        self._chosen = budgets(batch, self._budget)
        self._stage = -1
        self._checks: list[int] = []
        count = len(batch.images)
        self._size = self._budget.clone()
        self._previous = batch.images.clone()
        self._best_image = batch.images.clone()
        self._best_gradient = torch.zeros_like(batch.images)
        self._best = self._budget.new_full((count,), -torch.inf)
        self._best_at_check = self._best.clone()
        self._last = self._best.clone()
        self._improved = self._budget.new_zeros(count)
        self._halved = torch.zeros(count, dtype=torch.bool, device=batch.images.device)
        self._since = 0

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return the budget of each image."""
        return self._chosen

    def eligible(self, step: int, steps: int) -> bool:
        """Count an image only within the budget itself."""
        return step == 0 or step > int(STAGES[-2] * steps)

    def logit_weights(self, state: AttackState) -> Tensor:
        """Raise the loss."""
        self._now, weights = self._loss_of(state, self._away)
        return weights

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """One step of algorithm 1, at the radius of this stage."""
        stage = sum(state.step >= int(share * state.steps) for share in STAGES[:-1])
        if stage != self._stage:
            return self._enter(state, gradient, stage)
        self._note(state, gradient)
        images, previous = state.images, self._previous
        if state.step in self._checks:
            images, gradient, previous = self._check(images, gradient)
        step = images + per_image(self._size) * gradient.sign()
        step = step.clamp_(self._low, self._high)
        moved = images + MOMENTUM * (step - images) + (1.0 - MOMENTUM) * (images - previous)
        self._previous = images
        return moved.clamp_(self._low, self._high)

    def _enter(self, state: AttackState, gradient: Tensor, stage: int) -> Tensor:
        """Begin a stage: the step is twice its radius, the image that so far was best is kept."""
        start = state.images if self._stage < 0 else self._best_image
        begin = 0 if stage == 0 else int(STAGES[stage - 1] * state.steps)
        self._stage, self._since = stage, 0
        self._checks = _checkpoints(begin, int(STAGES[stage] * state.steps))
        self._size = 2.0 * RADII[stage] * self._budget
        radius = (RADII[stage] * self._budget).clamp_max(1.0)
        self._low, self._high = linf_bounds(state.batch, radius, self._rounding)
        for values in (self._best, self._best_at_check, self._last):
            values.fill_(-torch.inf)
        self._improved.zero_()
        self._halved.zero_()
        moved = start + per_image(self._size) * gradient.sign() if stage == 0 else start
        self._previous = start.clamp(self._low, self._high)
        return moved.clamp(self._low, self._high)

    def _note(self, state: AttackState, gradient: Tensor) -> None:
        self._since += 1
        self._improved += (self._now > self._last).to(self._improved)
        self._last = self._now
        better = self._now > self._best
        self._best = torch.where(better, self._now, self._best)
        self._best_image = torch.where(per_image(better), state.images, self._best_image)
        self._best_gradient = torch.where(per_image(better), gradient, self._best_gradient)

    def _check(self, images: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Halve the step of images that make no progress, and let them go back to their best."""
        few = self._improved < IMPROVING * self._since
        stuck = ~self._halved & (self._best <= self._best_at_check)
        halve = few | stuck
        self._size = torch.where(halve, 0.5 * self._size, self._size)
        self._halved, self._best_at_check = halve, self._best.clone()
        self._improved.zero_()
        self._since = 0
        back = per_image(halve)
        images = torch.where(back, self._best_image, images)
        gradient = torch.where(back, self._best_gradient, gradient)
        return images, gradient, torch.where(back, images, self._previous)


def _checkpoints(begin: int, end: int) -> list[int]:
    """Return the steps at which progress is checked; algorithm 1's, over a part of the steps."""
    shares, length = [0.0, FIRST_CHECK], end - begin
    while shares[-1] < 1.0:
        gap = max(shares[-1] - shares[-2] - CHECK_SHRINKS, SHORTEST_CHECK)
        shares.append(shares[-1] + gap)
    return [begin + round(share * length) for share in shares[1:-1]]


def _apgd(loss: Loss) -> RuleAttack[ApgdConfig]:
    return RuleAttack(ApgdConfig, lambda batch, config: Apgd(batch, config, loss))


def _stages(config: EnsembleConfig) -> list[Stage]:
    losses = {
        "masked cross-entropy": masked_entropy,
        "balanced cross-entropy": balanced_entropy,
        "Jensen-Shannon": jensen_shannon,
    }
    each = ApgdConfig(**config.as_dict())
    return [Stage(name, _apgd(loss), each) for name, loss in losses.items()]


APGD_ENSEMBLE: Final = Sequence(EnsembleConfig, _stages)

ENTRY: Final = AttackEntry(
    "apgd-ensemble",
    "APGD ensemble",
    WITHIN_BUDGET,
    "Three losses with shrinking radii and step sizes of their own; the worst counts.",
    "arXiv:2306.12941",
    EnsembleConfig,
    APGD_ENSEMBLE,
    monotone=True,
)
