"""Evade, the attack that knows a detector: at its goal, and as suspicious as the original is.

Each step goes along (1 - w) g / |g| - w d / |d|, g being the gradient of the cross-entropy's fall
and d that of how far the detector's score is off the original's, within an L2 budget. The weight w
of each image is found by bisection: the steps are rounds, and one that ends at the goal is followed
by one of a larger weight, one that does not by one of a smaller. Of all images that reach the goal
the one is kept whose score is nearest to the original's. Not the lowest score: files that are
calmer than any original are told as well, by whoever turns the detector around.

Source: that a detector is to be judged by an attack that has its score in the loss, with the weight
found by a search, is Carlini and Wagner's, "Adversarial examples are not easily detected",
arXiv:1705.07263, there with a constant per image. Deviations: steps of unit gradients, a budget,
and the original's score as the aim; the orthogonal steps of Bryniarski et al., arXiv:2106.15023,
are another way and not taken.

It covers every detector that is differentiable in the image, as all of the registry are, those that
ask the network again among them; a detector that draws is given new draws at each step. The passes
that the detector needs are not among the gradient evaluations; `detector_looks` says how many there
were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from asma_core.attacks.contract import (
    WITHIN_BUDGET,
    AttackEntry,
    AttackInputs,
    AttackResult,
    OnStep,
)
from asma_core.attacks.engine.balls import project_l2
from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack, keep_rows
from asma_core.attacks.engine.pixels import entropy_weights, seeded
from asma_core.attacks.engine.projected import CROSSINGS, chosen_budget
from asma_core.attacks.settings import (
    L2,
    SUSPICION,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
    goal_setting,
    steps_setting,
)
from asma_core.defences.detectors.contract import Detector, suspicion
from asma_core.defences.detectors.registry import find_detector
from asma_core.fields import AttackConfig, setting
from asma_core.lazy import Tensor, torch

# Steps of a round, the first of which finds the goal without a look at the detector.
ROUND: Final = 20
SMALLEST: Final = 1e-30


@dataclass(frozen=True)
class EvadeConfig(CommonConfig):
    """Settings of Evade."""

    steps: int = steps_setting(200)
    detector: Literal["entropy", "margin", "augmentation", "crops", "squeezing", "residual"] = (
        setting("entropy", "Detector", "That is not to notice the change.")
    )
    detector_settings: str = setting(
        "",
        "Its settings",
        "As bits=3:window=5; empty for the usual ones.",
        advanced=True,
    )
    goal_is: Aim = goal_setting(TOWARDS)
    budget: float | None = setting(
        None,
        "Budget",
        "Largest L2 norm of the change, in [0, 1] units. Automatic: a root mean square of 4/255 "
        "over the values that may change.",
        minimum=0.0,
        maximum=1e4,
        open_minimum=True,
    )

    def __post_init__(self) -> None:
        """Check that there is such a detector with such settings."""
        super().__post_init__()
        self.chosen_detector()

    def chosen_detector(self) -> Detector:
        """Return the detector with its settings.

        Raises:
            UnknownNameError: It has no such setting.
            InputError: A value outside its range.
        """
        return find_detector(f"{self.detector}:{self.detector_settings}")

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(stops=False, norm=SUSPICION, aim=self.goal_is)


class _Evading(AttackRule):
    def __init__(self, batch: AttackBatch, config: EvadeConfig, network: torch.nn.Module) -> None:
        self._network, self._detector = network, config.chosen_detector()
        self._generator = seeded()
        self._away, self._rounding = config.goal().away, config.rounding
        self._length = min(ROUND, config.steps)
        self._budget = chosen_budget(batch, L2, config.budget)
        count = batch.images.new_zeros(len(batch.images))
        # Weights that have, and that have not, led to the goal, and the one that is tried.
        self._kept, self._lost, self._weight = count, count + 1.0, count
        self._first: Tensor | None = None
        self._side, self._slope = count, torch.zeros_like(batch.images)
        self._valid = batch.valid
        self._indices = batch.indices
        self._looks = 0
        self._told: dict[int, dict[str, float]] = {}

    def measured(self, images: Tensor, originals: Tensor) -> Tensor:
        """Return by how much images are more or less suspicious than their originals, (B,)."""
        asked = images.detach().requires_grad_()
        found = suspicion(self._detector.maps(self._network, asked, self._generator), self._valid)
        if found.requires_grad:
            (slope,) = torch.autograd.grad(found.sum(), asked, materialize_grads=True)
            self._slope = slope.nan_to_num(0.0, 0.0, 0.0)
        self._looks += 1
        if self._first is None:
            self._first = found.detach()
        off = found.detach() - self._first
        self._side = off.sign().nan_to_num(0.0)
        self._tell()
        return off.abs().nan_to_num(torch.inf)

    def _tell(self) -> None:
        rows = zip(self._indices.tolist(), self._budget.tolist(), self._kept.tolist(), strict=True)
        for index, budget, weight in rows:
            self._told[index] = {
                "budget": budget,
                "detector_weight": weight,
                "detector_looks": self._looks,
            }

    def logit_weights(self, state: AttackState) -> Tensor:
        """Lower (or raise) the cross-entropy with the mask."""
        pull = state.batch.valid.to(state.logits)
        return entropy_weights(state.logits, state.batch.target, -pull if self._away else pull)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Step towards the goal and away from the detector, within the budget."""
        place = state.step % self._length
        if state.step and place == 0:
            self._bisect(state.success.to(self._weight.device))
        slope = state.batch.within(self._slope) * per_image(self._side)
        weight = per_image(self._weight)
        way = (1.0 - weight) * _unit(gradient) - weight * _unit(slope)
        # Long steps first, in each round; together they could cross the budget's ball.
        share = 2.0 * (1.0 - (place + 0.5) / self._length) * CROSSINGS / self._length
        moved = state.images + per_image(share * self._budget) * _unit(way)
        return project_l2(moved, state.batch, self._budget, self._rounding)

    def _bisect(self, reached: Tensor) -> None:
        """Take a larger weight where the round has ended at the goal, else a smaller one."""
        self._kept = torch.where(reached, self._weight, self._kept)
        # Who does not reach the goal without a look at the detector goes on so.
        plain = ~reached & (self._weight == 0.0)
        self._lost = torch.where(reached | plain, self._lost, self._weight)
        self._weight = torch.where(plain, 0.0, 0.5 * (self._kept + self._lost))

    def select(self, rows: Tensor) -> None:
        """Drop the state of the others."""
        keep_rows(self, rows)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return budget, largest weight that led to the goal, and looks of the detector."""
        return self._told


def _unit(direction: Tensor) -> Tensor:
    """Return directions, (B, C, H, W), at length 1; 0 stays."""
    return direction / per_image(norms(direction).clamp_min(SMALLEST).to(direction))


def evade(
    model: torch.nn.Module,
    inputs: AttackInputs,
    config: AttackConfig,
    *,
    on_step: OnStep | None = None,
) -> list[AttackResult]:
    """Attack a batch; see `contract.Attack`."""
    rule = RuleAttack(EvadeConfig, lambda batch, own: _Evading(batch, own, model))
    return rule(model, inputs, config, on_step=on_step)


ENTRY: Final = AttackEntry(
    "evade",
    "Evade",
    WITHIN_BUDGET,
    "The attack that knows a detector: its score is in the loss, with a weight found by bisection.",
    "arXiv:1705.07263",
    EvadeConfig,
    evade,
    {"strong": {"steps": 600}},
)
