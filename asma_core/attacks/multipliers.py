"""The paper's multipliers, as given or chosen from the first gradient.

Source: arXiv:1907.13124, eq. 5. The paper gives no way to choose them; the automatic ones are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.configs import ConstantConfig, DynamicConfig, TargetedConfig
from asma_core.attacks.problem import Problem, norms
from asma_core.errors import InputError, ModelError

# The automatic multiplier makes the first step this long, as root mean square over the pixels
# that may change. How it was chosen: docs/decisions.md.
FIRST_STEP_RMS: Final = 5e-4
# Beta over tau in the authors' demo.
BETA_OVER_TAU: Final = 10.0
# With an automatic multiplier the distance term weighs as much as it would on a network whose
# first gradient has this root mean square, a binary U-Net's; so the scale of the logits drops out.
USUAL_GRADIENT_RMS: Final = 10.0
# Below it a gradient counts as none: its multiplier would be infinite in float32.
SMALLEST_GRADIENT: Final = 1e-30
NO_GRADIENT: Final = (
    "the network has no gradient at this image, so there is nothing to climb; check that its "
    "output is logits and not a hard mask or saturated probabilities, and that the region matters"
)


@dataclass(frozen=True)
class Multipliers:
    """alpha_0 = start, then alpha_n = slope * IoU + start; all float64 (B,) on the CPU.

    Attributes:
        start: tau, or the constant alpha.
        slope: beta; 0 without DPM.
        pull: Weight of the distance term.
    """

    start: Tensor
    slope: Tensor
    pull: Tensor

    @classmethod
    def make(cls, config: TargetedConfig, rms: Tensor) -> Multipliers:
        """Take the multipliers from the config; choose the others by the first gradient's RMS."""
        given = config.alpha if isinstance(config, ConstantConfig) else _tau(config)
        start = torch.full_like(rms, given) if given is not None else FIRST_STEP_RMS / rms
        weight = torch.full_like(rms, config.distance_weight)
        pull = weight if given is not None else weight * rms / USUAL_GRADIENT_RMS
        if not isinstance(config, DynamicConfig):
            return cls(start, torch.zeros_like(start), pull)
        if config.beta is None:
            return cls(start, start * BETA_OVER_TAU, pull)
        return cls(start, torch.full_like(start, config.beta), pull)

    def at(self, step: int, scores: Tensor) -> Tensor:
        """Return alpha_n, float64 (B,), from n and the overlaps (B,)."""
        return self.start if step == 0 else self.slope * scores + self.start

    def only(self, rows: Tensor) -> Multipliers:
        """Return those of some rows, bool (B,)."""
        return Multipliers(self.start[rows], self.slope[rows], self.pull[rows])

    def named(self, config: TargetedConfig) -> list[Mapping[str, float]]:
        """Return, per image, the settings that give the same multipliers again."""
        first, second = ("tau", "beta") if isinstance(config, DynamicConfig) else ("alpha", "")
        rows = torch.stack((self.start, self.slope, self.pull), dim=1).tolist()
        return [
            {first: start, "distance_weight": pull} | ({second: slope} if second else {})
            for start, slope, pull in rows
        ]


def _tau(config: TargetedConfig) -> float | None:
    if not isinstance(config, DynamicConfig):
        raise InputError(f"{config!r} names no multiplier")
    return config.tau


def gradient_rms(gradient: Tensor, problem: Problem, going: Tensor) -> Tensor:
    """Return, per image, the root mean square of the gradient over what may change.

    Args:
        gradient: float32 (B, C, H, W), 0 outside the region.
        problem: Of these images.
        going: bool (B,) on the CPU: the images that need a gradient.

    Returns:
        float64 (B,) on the CPU.

    Raises:
        ModelError: An image that needs a gradient has none.
    """
    lengths = norms(gradient).cpu()
    if bool((lengths[going] < SMALLEST_GRADIENT).any()):
        raise ModelError(NO_GRADIENT)
    changeable = problem.region.flatten(1).sum(dim=1).cpu().double() * gradient.shape[1]
    return lengths.clamp_min(SMALLEST_GRADIENT) / changeable.sqrt()
