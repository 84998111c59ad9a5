"""Scores of a network on pairs of images and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.data.masks.label_maps import VOID
from asma_core.metrics.overlap import confusion_matrix, dice_per_class, foreground_mean
from asma_core.metrics.overlap import iou_per_class as overlap_iou_per_class
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.data import Pair


@dataclass(frozen=True)
class Evaluation:
    """Mean scores over images; NaN where no image has the class.

    Attributes:
        images: Number of images.
        iou: Per image the mean over the foreground classes in either mask, then over images.
        iou_per_class: Per class over the images that have it in either mask, background first.
        dice: As `iou`, for the Dice coefficient.
        classes_seen: How many classes the network says anywhere, on pixels that count.
    """

    images: int
    iou: float
    iou_per_class: tuple[float, ...]
    dice: float
    classes_seen: int = 0


def evaluate(model: SegmentationModel, pairs: Sequence[Pair]) -> Evaluation:
    """Score a network, in evaluation mode, at the images' own sizes.

    Args:
        model: The network.
        pairs: Images, uint8 (H, W) or (H, W, 3), and labels (H, W), 255 void.
    """
    classes = len(model.classes)
    tables = [_confusion(model, pair, classes) for pair in (pairs[i] for i in range(len(pairs)))]
    ious = np.asarray([overlap_iou_per_class(table) for table in tables]).reshape(-1, classes)
    dices = np.asarray([dice_per_class(table) for table in tables]).reshape(-1, classes)
    return Evaluation(
        images=len(tables),
        iou=_mean([foreground_mean(row) for row in ious]),
        iou_per_class=tuple(_mean(column) for column in ious.T),
        dice=_mean([foreground_mean(row) for row in dices]),
        classes_seen=int(np.asarray(tables).reshape(-1, classes).any(axis=0).sum()),
    )


def _confusion(model: SegmentationModel, pair: Pair, classes: int) -> NDArray[np.int64]:
    image = np.atleast_3d(np.asarray(pair[0]))
    truth = np.asarray(pair[1], dtype=np.int64)
    pixels = torch.from_numpy(image.astype(np.float32) / 255.0).permute(2, 0, 1)[None]
    device = next((weight.device for weight in model.parameters()), torch.device("cpu"))
    with torch.no_grad():
        labels = model(pixels.to(device)).argmax(dim=1)[0].cpu().numpy()
    return confusion_matrix(labels, np.where(truth == VOID, 0, truth), classes, truth != VOID)


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    present = numbers[~np.isnan(numbers)]
    return float(present.mean()) if present.size else float("nan")
