"""The settings of the paper's four attacks."""

from __future__ import annotations

from dataclasses import dataclass

from asma_core.attacks.settings import CommonConfig, Goal, stop_setting
from asma_core.fields import setting


@dataclass(frozen=True)
class PaperConfig(CommonConfig):
    """What the paper's four attacks have."""

    stop_at_target: bool = stop_setting()
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
        "Constant multiplier of the gradient. Automatic: chosen per image from its first gradient, "
        "and raised where the overlap would not arrive in time.",
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
        "first gradient, and raised where the overlap would not arrive in time.",
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
