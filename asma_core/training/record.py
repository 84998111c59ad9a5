"""A training, and the states that it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asma_core.runs.run import DONE, FAILED, INTERRUPTED, QUEUED, RUNNING
from asma_core.training.plan import TrainingPlan

STOPPED: Final = "stopped"
# From these it can be gone on with.
HALTED: Final = (STOPPED, FAILED, INTERRUPTED)
ENDED: Final = (*HALTED, DONE)
STATES: Final = (QUEUED, RUNNING, *ENDED)


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        id: Eight hexadecimal digits.
        plan: What was asked for.
        created: When, in seconds since 1970.
        state: "queued", "running", "stopped", "done", "failed" or "interrupted".
        message: Why it failed or was interrupted; of one that is done, what is to be known.
        network: Name of the network that it gave.
        curve: `steps`, `loss` (lists), `validations` (their steps), `iou` (lists), `step`, `of`,
            `seconds`, `best`; of an adversarial one `robust` (beside `iou`) and `best_robust`.
        figures: Scores on the test images; empty without.
        author: Who asked for it; "" of before people signed in.
    """

    id: str
    plan: TrainingPlan
    created: float
    state: str
    message: str
    network: str
    curve: Mapping[str, Any] | None
    figures: Mapping[str, Any]
    author: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing happens any more unless somebody goes on with it."""
        return self.state in ENDED
