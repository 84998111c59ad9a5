"""What a run is judged by: the one place that decides on score, goal and outcome.

A prediction is held against a reference mask: the target, or, where the target has no structure,
what the network saw of the original (how much of it is gone?), or the mask to get away from. Who
counts the pixels, in torch or in numpy, asks here for what the counts mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.metrics.overlap import Confusion, foreground_iou, pixel_accuracy

# The kinds of score, as records name them.
IOU: Final = "iou"
REMOVED: Final = "structure removed"
LOST: Final = "iou lost"
KINDS: Final = (IOU, REMOVED, LOST)

# The outcomes of a run, as records and pages name them.
SUCCESS: Final = "success"
ALREADY_THERE: Final = "already there"
NOT_REACHED: Final = "goal not reached"


@dataclass(frozen=True)
class Score:
    """How far a prediction is.

    Attributes:
        value: In [0, 1], by the kind: IoU with the target; share of the structure that is gone;
            1 - IoU with the mask to get away from.
        iou: Mean IoU of the foreground classes with target or mask to leave, in [0, 1]; NaN of
            `REMOVED`.
        pixel_accuracy: Share of the pixels that count with the class of that mask, in [0, 1].
    """

    value: float
    iou: float
    pixel_accuracy: float


def has_structure(mask: NDArray[np.int64], valid: NDArray[np.bool_]) -> bool:
    """Tell whether a mask, int64 (H, W), has a foreground class on a pixel that counts."""
    return bool(((mask > 0) & valid).any())


def score_kind(structured: bool, away: bool) -> str:
    """Return the kind of score.

    Args:
        structured: Whether the target has structure on pixels that count; see `has_structure`.
        away: Whether the attack leads away from a mask.
    """
    if away:
        return LOST
    return IOU if structured else REMOVED


def score(kind: str, confusion: Confusion) -> Score:
    """Judge a prediction.

    Args:
        kind: One of `KINDS`.
        confusion: int64 (K, K) over the pixels that count, the row of the reference's class: of the
            target for `IOU`, of the prediction on the original for `REMOVED`, of the mask to get
            away from for `LOST`.
    """
    if kind == REMOVED:
        # The target is background everywhere, so that a pixel is right where nothing is seen.
        size, total = int(confusion[1:].sum()), int(confusion.sum())
        gone = float(confusion[1:, 0].sum()) / size if size else 1.0
        right = float(confusion[:, 0].sum()) / total if total else math.nan
        return Score(gone, math.nan, right)
    iou, accuracy = foreground_iou(confusion), pixel_accuracy(confusion)
    if kind == IOU:
        return Score(iou, iou, accuracy)
    # What has no structure can only be lost pixel by pixel.
    return Score(1.0 - (accuracy if math.isnan(iou) else iou), iou, accuracy)


def reached(value: float, wanted: float) -> bool:
    """Tell whether a score meets the goal; an undefined one does not."""
    return value >= wanted


def outcome(before: float, after: float, wanted: float) -> str:
    """Return the outcome of a run: a success is a change that has reached the goal.

    Args:
        before: Score of the original, as the file that it would be saved as.
        after: Score of the adversarial file.
        wanted: Score at which the goal is reached.
    """
    if reached(before, wanted):
        return ALREADY_THERE
    return SUCCESS if reached(after, wanted) else NOT_REACHED


def score_columns(kind: Any, value: float | None) -> dict[str, float | None]:
    """Return a score under the name of its own figure, the others None: kinds share no column."""
    names = {"iou": IOU, "structure_removed": REMOVED, "iou_lost": LOST}
    return {name: value if kind == own else None for name, own in names.items()}
