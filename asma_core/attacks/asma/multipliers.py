"""The paper's multipliers, as given or chosen from the first gradient.

Source: arXiv:1907.13124, eq. 5. The paper gives no way to choose them; the automatic ones are ours.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from asma_core.attacks.asma.settings import ConstantConfig, DynamicConfig, PaperConfig
from asma_core.attacks.engine.batch import AttackBatch, norms
from asma_core.attacks.engine.loop import keep_rows
from asma_core.errors import InputError
from asma_core.lazy import Tensor, torch

# The automatic multiplier makes the first step this long, as root mean square over the pixels
# that may change. How it was chosen: docs/decisions.md.
FIRST_STEP_RMS: Final = 5e-4
# Beta over tau in the authors' demo.
BETA_OVER_TAU: Final = 10.0
# With an automatic multiplier, the distance term begins as strong as the first gradient would be
# after a root mean square change of a fifth of the range, which nobody would overlook. It fades to
# nothing over the first half of the steps, so that it never keeps an attack from its target.
BALANCE_RMS: Final = 0.2
FADED_AFTER: Final = 0.5
# The automatic multiplier is raised by this factor after so many steps in which the score has risen
# too slowly to be at the goal after the last step, at most to the third number times as much.
RAISE: Final = 2.0
LOOK_EVERY: Final = 25
MOST_RAISED: Final = 8.0
# An image at its target may have no gradient; its multiplier, which nothing uses, stays finite.
SMALLEST: Final = 1e-30
# Its weight in the authors' code, which goes with multipliers that are given.
AUTHORS_DISTANCE_WEIGHT: Final = 1.0


@dataclass(frozen=True)
class Multipliers:
    """alpha_0 = start, then alpha_n = slope * IoU + start; all float64 (B,) on the CPU.

    Attributes:
        start: tau, or the constant alpha.
        slope: beta; 0 without DPM.
        pull: Weight of the distance term at the first step.
        fading: Steps over which that weight fades to nothing; infinite when it stays.
        automatic: Whether all of them were chosen here, so that they may be raised.
    """

    start: Tensor
    slope: Tensor
    pull: Tensor
    fading: float
    automatic: bool

    @classmethod
    def make(cls, config: PaperConfig, rms: Tensor) -> Multipliers:
        """Take the multipliers from the config; choose the others by the first gradient's RMS."""
        given = config.alpha if isinstance(config, ConstantConfig) else _tau(config)
        start = torch.full_like(rms, given) if given is not None else FIRST_STEP_RMS / rms
        slope = torch.zeros_like(start)
        if isinstance(config, DynamicConfig):
            automatic = start * BETA_OVER_TAU
            slope = automatic if config.beta is None else torch.full_like(start, config.beta)
        if config.distance_weight is None and given is None:
            # The gradient of the distance term is 2 * weight * (x - x_0).
            return cls(start, slope, rms / (2 * BALANCE_RMS), FADED_AFTER * config.steps, True)
        weight = config.distance_weight
        weight = AUTHORS_DISTANCE_WEIGHT if weight is None else weight
        return cls(start, slope, torch.full_like(start, weight), math.inf, False)

    def at(self, step: int, scores: Tensor) -> Tensor:
        """Return alpha_n, float64 (B,), from n and the overlaps (B,)."""
        return self.start if step == 0 else self.slope * scores + self.start

    def pull_at(self, step: int) -> Tensor:
        """Return the weight of the distance term at a step, float64 (B,)."""
        return self.pull * max(0.0, 1.0 - step / self.fading)

    def select(self, rows: Tensor) -> Multipliers:
        """Return those of some rows, bool (B,)."""
        start, slope, pull = self.start[rows], self.slope[rows], self.pull[rows]
        return replace(self, start=start, slope=slope, pull=pull)

    def named(self, config: PaperConfig) -> list[Mapping[str, float]]:
        """Return, per image, the multipliers by the names of their settings.

        Given back as settings they make the same attack again, but for what has no setting and so
        a name of its own: a distance weight that fades, and by how much the multipliers were
        raised in the end (`Pace`).
        """
        weight = "distance_weight" if math.isinf(self.fading) else "first_distance_weight"
        first, second = ("tau", "beta") if isinstance(config, DynamicConfig) else ("alpha", "")
        rows = torch.stack((self.start, self.slope, self.pull), dim=1).tolist()
        return [
            {first: start, weight: pull} | ({second: slope} if second else {})
            for start, slope, pull in rows
        ]


class Pace:
    """By how much the automatic multipliers are raised, so that the score arrives in time.

    The adaptive gradient fades as pixels reach the target and leave the sum, and with it the steps.
    """

    def __init__(self, config: PaperConfig, scores: Tensor) -> None:
        """Begin with scores, float64 (B,), at which nothing is raised yet."""
        self._target, self._steps = config.target_iou, config.steps
        self._top = self._before = scores
        self.raised = torch.ones_like(scores)

    def update(self, step: int, scores: Tensor) -> bool:
        """Take in the scores, float64 (B,), after so many steps; return whether it has looked."""
        self._top = torch.maximum(self._top, scores)
        if step == 0 or step % LOOK_EVERY:
            return False
        missing = self._target - self._top
        slow = (self._top - self._before) * (self._steps - step) < missing * LOOK_EVERY
        more = (RAISE * self.raised).clamp_max(MOST_RAISED)
        self.raised = torch.where(slow, more, self.raised)
        self._before = self._top
        return True

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,)."""
        keep_rows(self, rows)


def _tau(config: PaperConfig) -> float | None:
    if not isinstance(config, DynamicConfig):
        raise InputError(f"{config!r} names no multiplier")
    return config.tau


def gradient_rms(gradient: Tensor, batch: AttackBatch) -> Tensor:
    """Return, per image, the root mean square of the gradient over what may change.

    Args:
        gradient: float32 (B, C, H, W), 0 outside the region.
        batch: Of these images.

    Returns:
        float64 (B,) on the CPU, above 0.
    """
    changeable = batch.region.flatten(1).sum(dim=1).cpu().double() * gradient.shape[1]
    return norms(gradient).cpu().clamp_min(SMALLEST) / changeable.sqrt()
