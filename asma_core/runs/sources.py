"""The image that a run is about: a sample of a data set, or a file of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.formats.images import FloatImage, Source, read_picture, read_values
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.windows import Window
from asma_core.data.masks.encodings import Encoding, count_values, decode, pack
from asma_core.data.masks.label_maps import VOID, Mask, read_mask, whole
from asma_core.errors import InputError
from asma_core.limited.reading import see
from asma_core.runs.execution import DEFAULT, Execution
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.target_source import TargetSource


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
        window: What became 0 and 1, where it is deeper than 8 bits.
        extent: Lowest and highest value of its file, in the window's units.
    """

    image: FloatImage
    truth: NDArray[np.int64] | None
    valid: NDArray[np.bool_]
    name: str
    dataset: str = ""
    sample: str = ""
    window: Window | None = None
    extent: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[1], self.image.shape[2]

    def with_target(self, target: Mask, region: NDArray[np.bool_] | None = None) -> RunInputs:
        """Return the inputs of a run towards a target, with changes only within a region.

        What is void in the image's own mask or in the target counts nowhere.
        """
        valid = self.valid & target.valid
        return RunInputs(self.image, target.labels, valid, self.truth, region)

    def request(
        self,
        model: str,
        attack: str,
        config: Mapping[str, Any],
        target: TargetSource,
        execution: Execution = DEFAULT,
    ) -> RunRequest:
        """Return what asks for an attack on this image.

        Args:
            model: Name of the network.
            attack: Name of the attack.
            config: Its settings; what is left out is default.
            target: Where the target mask comes from.
            execution: How the run is carried out.
        """
        return RunRequest(
            model=model,
            attack=attack,
            config=config,
            image_name=self.name,
            target=target,
            dataset=self.dataset,
            sample=self.sample,
            execution=execution,
            window=self.window,
        )

    def without_target(self, region: NDArray[np.bool_] | None = None) -> RunInputs:
        """Return the inputs of a run that leads away, and so has no target."""
        blank = np.zeros(self.shape, dtype=np.int64)
        return RunInputs(self.image, blank, self.valid, self.truth, region)


def from_sample(dataset: Dataset, sample: Sample) -> SourceImage:
    """Read a sample of a data set; one without a mask has no truth, and all of it counts.

    Raises:
        InputError: A file can't be read, or the mask has another size than the image.
    """
    picture = dataset.picture(sample)
    image, name = picture.image, f"{dataset.name} / {sample.name}"
    named = (name, dataset.name, sample.name, picture.window, picture.extent)
    if sample.mask is None:
        return SourceImage(image, None, np.ones(image.shape[1:], dtype=np.bool_), *named)
    mask = dataset.mask(sample)
    if mask.labels.shape != image.shape[1:]:
        raise InputError(
            f"the mask {sample.mask.name} is {mask.labels.shape[1]} x {mask.labels.shape[0]} and "
            f"its image {image.shape[2]} x {image.shape[1]}; export both at one size"
        )
    return SourceImage(image, mask.labels, mask.valid, *named)


def seen_sample(dataset: Dataset, sample: Sample) -> SourceImage:
    """Return `from_sample`, read in a limited process: for pages, which all share theirs.

    Raises:
        InputError: As for `from_sample`; or it takes too much memory or time.
    """
    # The others would be sent along.
    alone = replace(dataset, samples=(sample,))
    return see(sample.name, from_sample, alone, sample)


def from_file(source: Source, name: str | None = None, where: Slice = MIDDLE) -> SourceImage:
    """Read an image of the user's own; it has no known mask.

    Args:
        source: A path, or the file's bytes.
        name: What a person calls it.
        where: Which picture of a file that holds several, and the window that it is seen through.

    Raises:
        InputError: The file can't be read, or a window is asked for where there is none.
    """
    label = name or (source.name if isinstance(source, Path) else "own image")
    picture = read_picture(source, label, where)
    if where.window is not None and picture.window is None:
        raise InputError(f"{label} has 8 bits, which are read as they are; leave the window out")
    valid = np.ones(picture.image.shape[1:], dtype=np.bool_)
    return SourceImage(picture.image, None, valid, label, "", label, picture.window, picture.extent)


def mask_from_file(
    source: Source,
    shape: tuple[int, int],
    classes: int,
    name: str | None = None,
    encoding: Encoding | None = None,
) -> Mask:
    """Read a mask of an image's own size, void pixels kept as such.

    Args:
        source: A path, or the file's bytes.
        shape: Height and width of the image.
        classes: K, of the network.
        name: What to call it in errors.
        encoding: Of the image's data set: read by it where it knows all values of the file, else
            as a mask without a data set.

    Raises:
        InputError: Not a mask, another size, or classes that the network has not.
    """
    label = name or (source.name if isinstance(source, Path) else "the target mask")
    mask = _by_encoding(source, label, encoding) or read_mask(source, classes, label)
    labels = mask.labels
    if labels.shape != shape:
        raise InputError(
            f"{label} is {labels.shape[1]} x {labels.shape[0]} and the image "
            f"{shape[1]} x {shape[0]}; resize the mask without interpolation"
        )
    return mask


def _by_encoding(source: Source, label: str, encoding: Encoding | None) -> Mask | None:
    if encoding is None:
        return None
    codes, colours = pack(whole(read_values(source, label), label))
    known = {value for value, _ in encoding.values}
    knows_all = bool(known) and set(count_values(codes)) <= known
    if not knows_all or colours != encoding.colours:
        return None
    return decode(codes, colours, encoding, label)


def target_from_sample(dataset: Dataset, sample: Sample, shape: tuple[int, int]) -> Mask:
    """Read another image's mask as the target, the paper's way; resized to `shape`."""
    mask = dataset.mask(sample)
    if mask.labels.shape == shape:
        return mask
    values = np.where(mask.valid, mask.labels, VOID).astype(np.uint8)
    picture = Image.fromarray(values).resize(shape[::-1], Image.Resampling.NEAREST)
    resized = np.asarray(picture).astype(np.int64)
    valid = resized != VOID
    return Mask(np.where(valid, resized, 0), valid)
