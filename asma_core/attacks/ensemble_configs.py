"""The settings of APGD ensemble, Square and worst case; apart, so that no page imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asma_core.attacks.configs import (
    AIM,
    AWAY,
    LINF,
    STOP_AT_TARGET,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
)
from asma_core.fields import setting

BUDGET = (
    "Budget",
    "Largest change of a value, in [0, 1] units. Automatic: 8/255.",
)


@dataclass(frozen=True)
class EnsembleConfig(CommonConfig):
    """Settings of the APGD ensemble."""

    steps: int = setting(
        300,
        "Steps",
        "Most updates of the image, shared by the three losses with three radii each.",
        minimum=9,
        maximum=100_000,
        unit="steps",
    )
    goal_is: Aim = setting(AWAY, **AIM)
    budget: float | None = setting(None, *BUDGET, minimum=0.0, maximum=1.0, open_minimum=True)
    stop_at_target: bool = setting(True, *STOP_AT_TARGET, advanced=True)

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, LINF, aim=self.goal_is)


@dataclass(frozen=True)
class ApgdConfig(EnsembleConfig):
    """Settings of one loss of the ensemble, over the three radii."""

    steps: int = setting(
        100, "Steps", "Most updates of the image.", minimum=3, maximum=100_000, unit="steps"
    )


@dataclass(frozen=True)
class SquareConfig(CommonConfig):
    """Settings of Square, the black box."""

    steps: int = setting(
        1000,
        "Queries",
        "Most questions to the network, a forward pass each.",
        minimum=1,
        maximum=1_000_000,
        unit="queries",
    )
    goal_is: Aim = setting(TOWARDS, **AIM)
    budget: float | None = setting(None, *BUDGET, minimum=0.0, maximum=1.0, open_minimum=True)
    first_share: float = setting(
        0.05,
        "First share",
        "Share of the image that the first squares cover.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        advanced=True,
    )
    stop_at_target: bool = setting(True, *STOP_AT_TARGET, advanced=True)

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, LINF, aim=self.goal_is)


@dataclass(frozen=True)
class WorstCaseConfig(CommonConfig):
    """Settings of the worst case."""

    steps: int = setting(
        300,
        "Steps",
        "Most updates of the image, shared by the attacks.",
        minimum=3,
        maximum=100_000,
        unit="steps",
    )
    norm: Literal["l2", "linf"] = setting(
        "l2", "Norm", "In which the nearest success of all attacks is chosen."
    )

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(stops=False, norm=self.norm)
