"""The settings of ALMA prox and PDPGD; apart from them, so that no page imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asma_core.attacks.configs import (
    AIM,
    LINF,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
)
from asma_core.fields import setting


@dataclass(frozen=True)
class AlmaConfig(CommonConfig):
    """Settings of ALMA prox, which minimises Linf."""

    steps: int = setting(
        500, "Steps", "Most updates of the image.", minimum=1, maximum=100_000, unit="steps"
    )
    goal_is: Aim = setting(TOWARDS, **AIM)
    step_size: float = setting(
        1e-3,
        "Step size",
        "Of the first steps, in [0, 1] units; it falls to a tenth.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: it goes on after a success, to a smaller change."""
        return Goal(stops=False, norm=LINF, aim=self.goal_is)


@dataclass(frozen=True)
class PdpgdConfig(CommonConfig):
    """Settings of PDPGD."""

    steps: int = setting(
        500, "Steps", "Most updates of the image.", minimum=1, maximum=100_000, unit="steps"
    )
    goal_is: Aim = setting(TOWARDS, **AIM)
    norm: Literal["l2", "linf"] = setting("l2", "Norm", "What is to be small.")
    step_size: float = setting(
        1e-2,
        "Step size",
        "Of the first steps, in [0, 1] units; it falls to a tenth.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        advanced=True,
    )
    dual_step: float = setting(
        0.1,
        "Dual step",
        "By how much the logarithm of a pixel's weight moves at a step.",
        minimum=0.0,
        maximum=10.0,
        open_minimum=True,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: it goes on after a success, to a smaller change."""
        return Goal(stops=False, norm=self.norm, aim=self.goal_is)
