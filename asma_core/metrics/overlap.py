"""Overlap of two label masks, all from their confusion matrix.

Undefined figures (a class in neither mask, no valid pixel) are NaN.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Confusion = NDArray[np.int64]


_CHUNK: Final = 1_000_000


def confusion_matrix(
    prediction: NDArray[np.int64],
    target: NDArray[np.int64],
    classes: int,
    valid: NDArray[np.bool_] | None = None,
) -> Confusion:
    """Count the valid pixels of each pair of classes.

    Args:
        prediction: int64 (H, W), 0..K-1.
        target: int64 (H, W), 0..K-1.
        classes: K.
        valid: bool (H, W); all pixels unless given.

    Returns:
        int64 (K, K); the row is the target's class, the column the prediction's.
    """
    counts = np.zeros(classes * classes, dtype=np.int64)
    # Some rows at a time: of a large mask the pairs alone would be 130 MB.
    step = max(1, _CHUNK // max(target.shape[-1], 1))
    for start in range(0, len(target), step):
        rows = slice(start, start + step)
        pairs = target[rows] * classes + prediction[rows]
        counted = pairs.ravel() if valid is None else pairs[valid[rows]]
        counts += np.bincount(counted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def iou_per_class(confusion: Confusion) -> NDArray[np.float64]:
    """Return intersection over union of each class, float64 (..., K), in [0, 1]."""
    both, either = _both_and_sizes(confusion)
    return _ratio(both, either - both)


def dice_per_class(confusion: Confusion) -> NDArray[np.float64]:
    """Return the Dice coefficient of each class, float64 (..., K), in [0, 1]."""
    both, sizes = _both_and_sizes(confusion)
    return _ratio(2 * both, sizes)


def _both_and_sizes(confusion: Confusion) -> tuple[Confusion, Confusion]:
    both = np.diagonal(confusion, axis1=-2, axis2=-1)
    return both, confusion.sum(axis=-1) + confusion.sum(axis=-2)


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    ratio = np.full(part.shape, math.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio


def foreground_mean(per_class: NDArray[np.float64]) -> float:
    """Return the mean over the foreground classes that occur, NaN when none does."""
    foreground = per_class[1:]
    present = foreground[~np.isnan(foreground)]
    return float(present.mean()) if present.size else math.nan


def foreground_iou(confusion: Confusion) -> float:
    """Return `iou`: mean over the foreground classes that occur in either mask."""
    return foreground_mean(iou_per_class(confusion))


def pixel_accuracy(confusion: Confusion) -> float:
    """Return the share of valid pixels on which both masks agree."""
    total = int(confusion.sum())
    return float(np.trace(confusion)) / total if total else math.nan
