"""The settings of `minimal`; apart from the attack, so that a page need not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asma_core.attacks.settings import (
    L2,
    NORMS,
    CommonConfig,
    Goal,
    norm_setting,
    steps_setting,
)


@dataclass(frozen=True)
class MinimalConfig(CommonConfig):
    """Settings of the minimal-norm attack; none of them is to be tuned to a network."""

    steps: int = steps_setting(
        1000,
        "Most updates of the image. It ends before, from 100 on, when the last fifth of them has "
        "made the change smaller by less than 2 %.",
    )
    norm: Literal["l2", "linf", "ciede2000"] = norm_setting(
        L2,
        "What is to be small: the Euclidean norm of the change, its largest value, or how "
        "different the colours look (mean CIEDE2000 over the pixels; grey and RGB images).",
        tuple(NORMS),
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: it goes on after a success, to a smaller change."""
        return Goal(stops=False, norm=self.norm)
