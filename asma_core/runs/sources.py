"""The image that a run is about: a sample of a data set, or a file of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.images import FloatImage, Source, read_image
from asma_core.data.masks import read_mask
from asma_core.data.slices import MIDDLE, Slice
from asma_core.errors import InputError
from asma_core.models.cards import ModelCard
from asma_core.runs.spec import RunInputs


@dataclass(frozen=True)
class SourceImage:
    """An image to attack.

    Attributes:
        image: float32 (C, H, W) in [0, 1].
        truth: int64 (H, W) where a mask is known, else None.
        valid: bool (H, W), pixels that count.
        name: What a person calls it.
        dataset: Name of its data set, or "".
        sample: Its name there, or the file's name.
    """

    image: FloatImage
    truth: NDArray[np.int64] | None
    valid: NDArray[np.bool_]
    name: str
    dataset: str = ""
    sample: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[1], self.image.shape[2]

    def towards(
        self, target: NDArray[np.int64], region: NDArray[np.bool_] | None = None
    ) -> RunInputs:
        """Return the inputs of a run towards a target mask, with changes only within a region."""
        return RunInputs(self.image, target, self.valid, self.truth, region)


def from_sample(dataset: Dataset, sample: Sample) -> SourceImage:
    """Read a sample of a data set.

    Raises:
        InputError: A file can't be read, or the mask has another size than the image.
    """
    image, mask = dataset.image(sample), dataset.mask(sample)
    if mask.labels.shape != image.shape[1:]:
        raise InputError(
            f"the mask {sample.mask.name} is {mask.labels.shape[1]} x {mask.labels.shape[0]} and "
            f"its image {image.shape[2]} x {image.shape[1]}; export both at one size"
        )
    name = f"{dataset.name} / {sample.name}"
    return SourceImage(image, mask.labels, mask.valid, name, dataset.name, sample.name)


def from_file(source: Source, name: str | None = None, where: Slice = MIDDLE) -> SourceImage:
    """Read an image of the user's own; it has no known mask.

    Args:
        source: A path, or the file's bytes.
        name: What a person calls it.
        where: Which picture of a file that holds several.

    Raises:
        InputError: The file can't be read.
    """
    label = name or (source.name if isinstance(source, Path) else "own image")
    image = read_image(source, label, where)
    valid = np.ones(image.shape[1:], dtype=np.bool_)
    return SourceImage(image, None, valid, label, "", label)


def target_from_file(
    source: Source, shape: tuple[int, int], classes: int, name: str | None = None
) -> NDArray[np.int64]:
    """Read a target mask of an image's own size.

    Raises:
        InputError: Not a mask, another size, or classes that the network has not.
    """
    label = name or (source.name if isinstance(source, Path) else "the target mask")
    labels = read_mask(source, classes, label).labels
    if labels.shape != shape:
        raise InputError(
            f"{label} is {labels.shape[1]} x {labels.shape[0]} and the image "
            f"{shape[1]} x {shape[0]}; resize the mask without interpolation"
        )
    return labels


def target_from_sample(
    dataset: Dataset, sample: Sample, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Read another image's mask as the target, the paper's way; resized to `shape`."""
    labels = dataset.mask(sample).labels
    if labels.shape == shape:
        return labels
    picture = Image.fromarray(labels.astype(np.uint8)).resize(shape[::-1], Image.Resampling.NEAREST)
    return np.asarray(picture).astype(np.int64)


def check_classes(card: ModelCard, dataset: Dataset) -> None:
    """Check that a network and a data set have the same number of classes.

    Raises:
        InputError: They have not.
    """
    if len(dataset.classes) != len(card.classes):
        raise InputError(
            f"{card.name} has {len(card.classes)} classes and {dataset.name} has "
            f"{len(dataset.classes)}; choose a network of the same classes"
        )
