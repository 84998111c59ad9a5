"""The figures of a run, from its image, its masks and what was made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.data.images import FloatImage
from asma_core.metrics.boundary import hausdorff_95
from asma_core.metrics.distance import l2_norm, linf_norm, psnr, ssim
from asma_core.metrics.overlap import (
    confusion_matrix,
    dice_per_class,
    foreground_iou,
    iou_per_class,
    pixel_accuracy,
    structure_removed,
)
from asma_core.runs.spec import RunInputs

Labels = NDArray[np.int64]


def score_name(inputs: RunInputs, away: bool = False) -> str:
    """Return what success is judged by.

    Args:
        inputs: Of the run.
        away: Whether the attack leads away from the mask.

    Returns:
        "iou", "structure removed" for an empty target, or "iou lost" for an attack that leads away.
    """
    if away:
        return "iou lost"
    return "iou" if ((inputs.target > 0) & inputs.valid).any() else "structure removed"


def score(
    prediction: Labels, clean: Labels, inputs: RunInputs, classes: int, away: bool = False
) -> float:
    """Return the score of a prediction of the adversarial image.

    Args:
        prediction: int64 (H, W), of the adversarial image.
        clean: int64 (H, W), of the original image.
        inputs: Of the run.
        classes: K.
        away: Whether the attack leads away from the mask.

    Returns:
        In [0, 1]; 1 when there was no structure to remove.
    """
    if away:
        confusion = confusion_matrix(prediction, inputs.target, classes, inputs.valid)
        iou = foreground_iou(confusion)
        return 1.0 - (pixel_accuracy(confusion) if math.isnan(iou) else iou)
    if score_name(inputs) == "iou":
        return foreground_iou(confusion_matrix(prediction, inputs.target, classes, inputs.valid))
    removed = structure_removed(prediction, clean, inputs.valid)
    return 1.0 if math.isnan(removed) else removed


def overlap_figures(
    prediction: Labels,
    clean: Labels,
    inputs: RunInputs,
    classes: int,
    suffix: str,
    away: bool = False,
) -> dict[str, Any]:
    """Return score, IoU, Dice, pixel accuracy and boundary distance against the target mask."""
    confusion = confusion_matrix(prediction, inputs.target, classes, inputs.valid)
    boundary = [
        hausdorff_95(
            (prediction == number) & inputs.valid, (inputs.target == number) & inputs.valid
        )
        for number in range(1, classes)
    ]
    figures = {
        "score": score(prediction, clean, inputs, classes, away),
        "iou": foreground_iou(confusion) if score_name(inputs) == "iou" else math.nan,
        "iou_per_class": iou_per_class(confusion).tolist(),
        "dice_per_class": dice_per_class(confusion).tolist(),
        "hausdorff_95_per_class": boundary,
        "pixel_accuracy": pixel_accuracy(confusion),
    }
    return {name + suffix: value for name, value in figures.items()}


def distance_figures(image: FloatImage, original: FloatImage, suffix: str) -> dict[str, Any]:
    """Return L2, Linf, PSNR and SSIM of an image against the original."""
    perturbation = image - original
    figures = {
        "l2": l2_norm(perturbation),
        "linf": linf_norm(perturbation),
        "psnr": psnr(perturbation),
        "ssim": ssim(original, image),
    }
    return {name + suffix: value for name, value in figures.items()}


def plain(value: Any) -> Any:
    """Turn what is undefined (NaN) into None, and arrays into lists, for JSON."""
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
