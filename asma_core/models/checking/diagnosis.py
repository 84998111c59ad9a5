"""What could be wrong with a network that does not see what its masks show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asma_core.errors import AsmaError
from asma_core.metrics.overlap import confusion_matrix, foreground_iou
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import FIXED, IMAGENET, PER_IMAGE, InputSpec

# Below this the network and the images hardly belong together, and a reason is looked for.
DOUBTFUL: Final = 0.3
# A guess must be better by this much before it is told.
CLEARLY: Final = 0.15
# And it must make of the network one that works.
FITS: Final = 0.5
MOST_PERMUTED: Final = 4


@dataclass(frozen=True)
class LabelledImage:
    """An image to check a network on.

    Attributes:
        name: Of the sample.
        image: float32 (C, H, W) in [0, 1].
        labels: int64 (H, W), its true mask; None where none is known.
        valid: bool (H, W), pixels that count.
    """

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.int64] | None = None
    valid: NDArray[np.bool_] | None = None


def labels_of(model: SegmentationModel, image: Tensor) -> NDArray[np.int64]:
    """Return the labels (H, W) that a model gives to an image (1, C, H, W)."""
    with torch.no_grad():
        found: NDArray[np.int64] = predicted(model(image))[0].cpu().numpy()
    return found


def counted(model: SegmentationModel, case: LabelledImage) -> NDArray[np.bool_]:
    """Return the pixels that count: valid ones for which the network answers, bool (H, W)."""
    height, width = case.image.shape[1:]
    covered: NDArray[np.bool_] = model.covered(height, width).cpu().numpy()
    return covered if case.valid is None else covered & case.valid


def case_iou(model: SegmentationModel, case: LabelledImage, labels: NDArray[np.int64]) -> float:
    """Return the foreground IoU of labels (H, W) with a case's mask."""
    return foreground_iou(case_table(model, case, labels))


def case_table(
    model: SegmentationModel, case: LabelledImage, labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the confusion matrix of labels (H, W) with a case's mask."""
    assert case.labels is not None
    return confusion_matrix(labels, case.labels, len(model.classes), counted(model, case))


def mean_iou(values: Sequence[float]) -> float:
    """Return the mean of those that are defined; NaN without any."""
    present = [value for value in values if not np.isnan(value)]
    return float(np.mean(present)) if present else float("nan")


def guesses_for(
    model: SegmentationModel,
    cases: Sequence[LabelledImage],
    labels: Sequence[NDArray[np.int64]],
    iou: float,
) -> tuple[str, ...]:
    """Try other normalisations and orders; return those that fit the masks clearly better.

    Better than it is now, and than seeing one structure everywhere: a network that was trained too
    little does about that, and any other way of reading it then looks like a find.
    """
    if not iou < DOUBTFUL:
        return ()
    found = [*_other_classes(model, cases, labels), *_other_inputs(model, cases)]
    least = max(max(iou, _everywhere(model, cases)) + CLEARLY, FITS)
    better = sorted((one for one in found if one[0] >= least), reverse=True)
    return tuple(f"{text} it would be {score:.3f}" for score, text in better)


def _everywhere(model: SegmentationModel, cases: Sequence[LabelledImage]) -> float:
    """Return the IoU of seeing one and the same structure everywhere, the best there is."""
    return max(
        mean_iou([case_iou(model, c, np.full(c.image.shape[1:], label)) for c in cases])
        for label in range(1, len(model.classes))
    )


def _other_classes(
    model: SegmentationModel, cases: Sequence[LabelledImage], labels: Sequence[NDArray[np.int64]]
) -> list[tuple[float, str]]:
    count = len(model.classes)
    if count > MOST_PERMUTED:
        return []
    found = []
    for order in list(permutations(range(count)))[1:]:
        turned = np.array(order)
        score = mean_iou(
            [case_iou(model, c, turned[one]) for c, one in zip(cases, labels, strict=True)]
        )
        channels = [int(place) for place in np.argsort(turned)]
        found.append((score, f"with the classes in another order (output.channels = {channels})"))
    return found


def _other_inputs(
    model: SegmentationModel, cases: Sequence[LabelledImage]
) -> list[tuple[float, str]]:
    found = []
    for spec, text in _variants(model.spec):
        other = SegmentationModel(model.network, spec, model.classes, model.output)
        other = other.to(model.mean.device).eval()
        try:
            images = [torch.from_numpy(c.image)[None].to(model.mean.device) for c in cases]
            pairs = zip(cases, images, strict=True)
            ious = [case_iou(other, c, labels_of(other, i)) for c, i in pairs]
        except (AsmaError, RuntimeError):
            continue
        found.append((mean_iou(ious), text))
    return found


def _variants(spec: InputSpec) -> list[tuple[InputSpec, str]]:
    """Return other ways of giving the images, with words for each."""
    grey = spec.channels == 1
    imagenet = IMAGENET[spec.channels]
    ways: list[tuple[dict[str, Any], str]] = [
        (_fixed(spec, 0.0, 1.0), "with values from 0 to 1 (mean = 0, std = 1)"),
        (_fixed(spec, 0.5, 0.5), "with values from -1 to 1 (mean = 0.5, std = 0.5)"),
        (_fixed(spec, 0.0, 1 / 255), "with values from 0 to 255 (mean = 0, std = 0.00392157)"),
        ({"mean": imagenet[0], "std": imagenet[1], "normalisation": FIXED},
         f"with ImageNet's mean {list(imagenet[0])} and std {list(imagenet[1])}"),
        ({"normalisation": PER_IMAGE}, 'with each image by itself (normalisation = "image")'),
    ]  # fmt: skip
    found = [(replace(spec, **change), text) for change, text in ways]
    if not grey:
        turned = "rgb" if spec.order == "bgr" else "bgr"
        found += [(replace(one, order=turned), f"{text}, as {turned}") for one, text in found]
        found.append(
            (replace(spec, order=turned), f'with the channels {turned} (order = "{turned}")')
        )
    return [(one, text) for one, text in found if one != spec]


def _fixed(spec: InputSpec, mean: float, std: float) -> dict[str, Any]:
    count = spec.channels
    return {"mean": (mean,) * count, "std": (std,) * count, "normalisation": FIXED}
