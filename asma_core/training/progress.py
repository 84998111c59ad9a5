"""Where a training is, as those are told who follow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainingProgress:
    """Where a training is.

    Attributes:
        step: Steps done; 0 of an adversarial training that has looked at where it starts.
        steps: Steps in all.
        loss: Dice plus cross-entropy of the last batch; NaN before the first.
        learning_rate: Of the last step.
        seconds: Since the training began.
        validation: Mean IoU on the validation images, where one came after this step.
        best: Of the weights that are kept so far.
        robust: As `validation`, of attacked images, in an adversarial training.
        best_robust: As `best`, of attacked images.
    """

    step: int
    steps: int
    loss: float
    learning_rate: float
    seconds: float
    validation: float | None = None
    best: float | None = None
    robust: float | None = None
    best_robust: float | None = None


# What it returns, if true, stops the training; its checkpoint lets it go on later.
OnProgress = Callable[[TrainingProgress], Any]
