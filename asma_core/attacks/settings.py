"""What the settings of attacks have in common; an attack's own stand with the attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.fields import AttackConfig, setting

L2: Final = "l2"
LINF: Final = "linf"
CIEDE2000: Final = "ciede2000"
# Not a norm: of two successes the one wins that a detector finds more like the original.
SUSPICION: Final = "suspicion"
# Nor this: of two successes the one wins that is further beyond the goal, whatever its change.
SCORE: Final = "score"
# What people call them.
NORMS: Final = {L2: "L2", LINF: "Linf", CIEDE2000: "CIEDE2000"}
TOWARDS: Final = "towards the mask"
AWAY: Final = "away from the prediction"
AWAY_FROM_TRUTH: Final = "away from the truth"
# What records of before 2026-11-28 say; they led away from the drawn target.
FORMERLY_AWAY: Final = "away from the mask"
Aim = Literal["towards the mask", "away from the prediction", "away from the truth"]


def steps_setting(
    default: int, help: str = "Most updates of the image.", *, minimum: int = 1
) -> Any:
    """Declare how many steps an attack has at most."""
    return setting(default, "Steps", help, minimum=minimum, maximum=100_000, unit="steps", step=50)


def goal_setting(default: str) -> Any:
    """Declare what an attack is to reach, for one that can lead away too."""
    return setting(
        default,
        "Goal",
        "Towards the mask: the prediction shall become the target. Away (untargeted) from the "
        "prediction, what the network says of the original, or from the truth: the prediction "
        "shall be it no longer, the target is not used, and the attack succeeds when their IoU is "
        "at most 1 - target IoU.",
        formerly={FORMERLY_AWAY: AWAY},
    )


def norm_setting(default: str, help: str, norms: Sequence[str] = (L2, LINF)) -> Any:
    """Declare the norm of a budget, or of what is to be small."""
    return setting(default, "Norm", help, offered={norm: NORMS[norm] for norm in norms})


def stop_setting() -> Any:
    """Declare whether an image is done at its first success."""
    return setting(
        True,
        "Stop at the target",
        "Stop an image at its first success; otherwise go on to the last step and keep the best.",
        advanced=True,
    )


def linf_budget_setting() -> Any:
    """Declare a budget in Linf."""
    return setting(
        None,
        "Budget",
        "Largest change of a value, in [0, 1] units. Automatic: 8/255.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
    )


@dataclass(frozen=True)
class Goal:
    """How an attack is judged.

    Attributes:
        stops: Whether an image is done at its first success.
        norm: In which the nearer of two successes wins: `L2`, `LINF` or `CIEDE2000`; or
            `SUSPICION`, by which the one does that a detector finds more like the original; or
            `SCORE`, by which the one of the higher score does.
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
    steps: int = steps_setting(300)
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
class QueryConfig(CommonConfig):
    """What every black box has: queries for steps, and a budget in Linf."""

    steps: int = setting(
        1000,
        "Queries",
        "Most questions to the network, a forward pass each.",
        minimum=1,
        maximum=1_000_000,
        unit="queries",
        step=50,
    )
    goal_is: Aim = goal_setting(TOWARDS)
    budget: float | None = linf_budget_setting()
    stop_at_target: bool = stop_setting()

    def goal(self) -> Goal:
        """Return how the attack is judged."""
        return Goal(self.stop_at_target, LINF, aim=self.goal_is)
