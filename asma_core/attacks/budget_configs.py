"""The settings of the attacks within a budget; apart from them, so that no page imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asma_core.attacks.configs import (
    AIM,
    L2,
    LINF,
    STOP_AT_TARGET,
    TOWARDS,
    Aim,
    CommonConfig,
    Goal,
)
from asma_core.fields import setting


@dataclass(frozen=True)
class BudgetConfig(CommonConfig):
    """Settings of PGD, SegPGD and CosPGD."""

    steps: int = setting(
        100, "Steps", "Most updates of the image.", minimum=1, maximum=100_000, unit="steps"
    )
    goal_is: Aim = setting(TOWARDS, **AIM)
    norm: Literal["linf", "l2"] = setting(LINF, "Norm", "In which the budget is measured.")
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
    stop_at_target: bool = setting(True, *STOP_AT_TARGET, advanced=True)

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, self.norm, aim=self.goal_is)


@dataclass(frozen=True)
class CosPgdConfig(BudgetConfig):
    """Settings of CosPGD, which starts at random."""

    random_start: bool = setting(
        True,
        "Random start",
        "Begin at a random place within the budget; it hangs on the seed.",
        advanced=True,
    )


@dataclass(frozen=True)
class DagConfig(CommonConfig):
    """Settings of DAG, which has no budget."""

    steps: int = setting(
        200, "Steps", "Most updates of the image.", minimum=1, maximum=100_000, unit="steps"
    )
    gamma: float = setting(
        0.002,
        "Gamma",
        "Length of a step in Linf, in [0, 1] units; the paper's is 0.5 of 255.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: an image is done at its first success."""
        return Goal(stops=True, norm=L2)
