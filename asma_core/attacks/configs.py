"""The configs of all attacks; apart from the attacks, so that a page need not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.fields import AttackConfig, setting

L2: Final = "l2"
LINF: Final = "linf"
TOWARDS: Final = "towards the mask"
AWAY: Final = "away from the prediction"
AWAY_FROM_TRUTH: Final = "away from the truth"
# What records of before 2026-11-28 say; they led away from the drawn target.
FORMERLY_AWAY: Final = "away from the mask"
Aim = Literal["towards the mask", "away from the prediction", "away from the truth"]
AIM: Final[Mapping[str, Any]] = {
    "label": "Goal",
    "help": "Towards the mask: the prediction shall become the target. Away (untargeted) from the "
    "prediction, what the network says of the original, or from the truth: the prediction shall "
    "be it no longer, the target is not used, and the attack succeeds when their IoU is at most "
    "1 - target IoU.",
    "formerly": {FORMERLY_AWAY: AWAY},
}
STOP_AT_TARGET: Final = (
    "Stop at the target",
    "Stop an image at its first success; otherwise go on to the last step and keep the best.",
)


@dataclass(frozen=True)
class Goal:
    """How an attack is judged.

    Attributes:
        stops: Whether an image is done at its first success.
        norm: In which the nearer of two successes wins, `L2` or `LINF`.
        aim: Towards the target mask, or away (untargeted) from what the network says of the
            original, or from the truth.
    """

    stops: bool
    norm: str = L2
    aim: str = TOWARDS

    @property
    def away(self) -> bool:
        """Whether the mask is what the prediction shall no longer be; the score is 1 - IoU."""
        return self.aim != TOWARDS


@dataclass(frozen=True)
class CommonConfig(AttackConfig):
    """What every attack has."""

    target_iou: float = setting(
        0.97,
        "Target IoU",
        "Overlap of prediction and target mask at which the attack counts as a success.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
    )
    steps: int = setting(
        300, "Steps", "Most updates of the image.", minimum=1, maximum=100_000, unit="steps"
    )
    rounding: bool = setting(
        True,
        "Round inside the loop",
        "Show the network the image as it will be saved, rounded to 8 bits; the gradient passes "
        "straight through. Not in the paper.",
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged; to the last step and by L2 unless a subclass says so."""
        return Goal(stops=False)


@dataclass(frozen=True)
class PaperConfig(CommonConfig):
    """What the paper's four attacks have."""

    stop_at_target: bool = setting(True, *STOP_AT_TARGET, advanced=True)
    distance_weight: float | None = setting(
        None,
        "Distance weight",
        "Weight of the squared distance to the original, absent (0) in the paper's formulas. "
        "Automatic: 1, as in the authors' code, beside given multipliers; else as strong as the "
        "first gradient at a root mean square change of 0.2, fading over the first half of the "
        "steps.",
        minimum=0.0,
        maximum=1e6,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(stops=self.stop_at_target)


@dataclass(frozen=True)
class ConstantConfig(PaperConfig):
    """Settings of SSM and ASM."""

    alpha: float | None = setting(
        None,
        "Alpha",
        "Constant multiplier of the gradient. Automatic: chosen per image from its first gradient.",
        minimum=0.0,
        maximum=1e6,
        open_minimum=True,
        advanced=True,
    )


@dataclass(frozen=True)
class DynamicConfig(PaperConfig):
    """Settings of SSM + DPM and ASMA: the multiplier is beta * IoU + tau."""

    tau: float | None = setting(
        None,
        "Tau",
        "Multiplier at IoU 0; the paper's demo has 1e-7. Automatic: chosen per image from its "
        "first gradient.",
        minimum=0.0,
        maximum=1e6,
        open_minimum=True,
        advanced=True,
    )
    beta: float | None = setting(
        None,
        "Beta",
        "Growth of the multiplier with the IoU; the paper's demo has 1e-6. Automatic: ten times "
        "tau, as there.",
        minimum=0.0,
        maximum=1e6,
        advanced=True,
    )
