"""The figures of a run, from its image, its masks and what was made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.attacks.settings import AWAY, AWAY_FROM_TRUTH, TOWARDS
from asma_core.data.formats.images import FloatImage
from asma_core.errors import InputError
from asma_core.metrics.boundary import hausdorff_95
from asma_core.metrics.distance import l2_norm, linf_norm, psnr, ssim
from asma_core.metrics.overlap import confusion_matrix, dice_per_class, iou_per_class
from asma_core.metrics.score import (
    REMOVED,
    Score,
    has_structure,
    score,
    score_columns,
    score_kind,
)
from asma_core.runs.spec import RunInputs

Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Judge:
    """What the predictions of a run are held against; see `asma_core.metrics.score`.

    Attributes:
        kind: Of the score.
        reference: int64 (H, W): the target; for an attack that leads away, what it leads away from.
        clean: int64 (H, W), what the network says of the original.
        valid: bool (H, W), pixels that count.
        classes: K.
    """

    kind: str
    reference: Labels
    clean: Labels
    valid: NDArray[np.bool_]
    classes: int

    def figures(self, prediction: Labels, suffix: str) -> dict[str, Any]:
        """Return score, IoU, Dice, pixel accuracy and boundary distance of a prediction (H, W).

        The score stands under the name of its own kind too, so that no table mixes kinds.
        """
        confusion = confusion_matrix(prediction, self.reference, self.classes, self.valid)
        judged = self.judged(prediction)
        figures = {
            "score": judged.value,
            **score_columns(self.kind, judged.value),
            "iou_per_class": iou_per_class(confusion).tolist(),
            "dice_per_class": dice_per_class(confusion).tolist(),
            "hausdorff_95_per_class": [
                self._boundary(prediction, number) for number in range(1, self.classes)
            ],
            "pixel_accuracy": judged.pixel_accuracy,
        }
        return {name + suffix: value for name, value in figures.items()}

    def judged(self, prediction: Labels) -> Score:
        """Return the score of a prediction (H, W) alone."""
        held_against = self.clean if self.kind == REMOVED else self.reference
        counts = confusion_matrix(prediction, held_against, self.classes, self.valid)
        return score(self.kind, counts)

    def _boundary(self, prediction: Labels, number: int) -> float:
        one, other = prediction == number, self.reference == number
        return hausdorff_95(one & self.valid, other & self.valid)


def make_judge(inputs: RunInputs, clean: Labels, classes: int, aim: str) -> Judge:
    """Return what a run is judged by.

    Args:
        inputs: Of the run.
        clean: int64 (H, W), what the network says of the original.
        classes: K.
        aim: As `asma_core.attacks.configs` names it.

    Raises:
        InputError: It leads away from a truth that is not known.
    """
    kind = score_kind(has_structure(inputs.target, inputs.valid), aim != TOWARDS)
    reference = inputs.target
    if aim == AWAY:
        reference = clean
    elif aim == AWAY_FROM_TRUTH:
        if inputs.truth is None:
            raise InputError("this image has no known mask to lead away from")
        reference = inputs.truth
    return Judge(kind, reference, clean, inputs.valid, classes)


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
