"""What a plan of a universal change asks, in words."""

from __future__ import annotations

from typing import Final

from asma_core.experiments.universal_plan import AWAY, HIDE, MASK, UniversalPlan
from asma_core.experiments.universal_table import images_text

AIMS: Final = {
    HIDE: "Hide the outline",
    MASK: "Same mask in all",
    AWAY: "Lead away",
}
# What the score is of each goal, in [0, 1].
SCORES: Final = {
    HIDE: "Share of the outline that is gone",
    MASK: "IoU with the mask",
    AWAY: "Share of the IoU that is lost",
}
# What a score does not say.
BESIDES: Final = {
    HIDE: "Only what was outlined before counts; what is outlined elsewhere does not.",
    MASK: "",
    AWAY: "Away from what the network says of the image itself.",
}


def about(plan: UniversalPlan) -> str:
    """Return what is asked, in a few words."""
    aim = f"The mask of {plan.target} in all" if plan.goal == MASK else AIMS[plan.goal]
    return f"{aim}; learned on {images_text(plan.counts[-1])} at most"
