"""How much of each image each class covers, read once from the masks and kept on disk.

Reading the masks also shows which files of a data set can't be used.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core import paths
from asma_core.data.datasets import Dataset
from asma_core.data.formats.images import picture_size
from asma_core.data.layouts.known import LEFT_HALF
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import Sample
from asma_core.errors import AsmaError
from asma_core.files import write_bytes

ClassAreas = NDArray[np.float32]
OnProgress = Callable[[int, int], None]

THREADS: Final = 2
# Images are decoded as a check as long as all of them have no more pixels than this.
DECODED_PIXELS: Final = 3_000_000_000


@dataclass(frozen=True)
class SampleError:
    """A sample that can't be used.

    Attributes:
        sample: Its name.
        message: What is wrong, in a sentence.
    """

    sample: str
    message: str


def measure_class_areas(dataset: Dataset, on_progress: OnProgress | None = None) -> ClassAreas:
    """Measure how much of each image each class covers, and keep it.

    Args:
        dataset: The data set.
        on_progress: Called with samples done and all of them while the masks are read.

    Returns:
        float32 (samples, K), per cent of the valid pixels; NaN where a mask can't be read.

    Raises:
        StoreError: They can't be kept.
    """
    areas, _ = read_all(dataset, decode=False, on_progress=on_progress)
    keep(class_areas_file(dataset), areas)
    return areas


def read_all(
    dataset: Dataset, decode: bool, on_progress: OnProgress | None = None
) -> tuple[ClassAreas, list[SampleError]]:
    """Read every mask, and every image or its header; return the class areas and what is wrong.

    Args:
        dataset: The data set.
        decode: Whether images are decoded; else only their size is looked at.
        on_progress: As for `measure_class_areas`.
    """
    areas = np.full((len(dataset.samples), len(dataset.classes)), np.nan, dtype=np.float32)
    problems = []
    with ThreadPoolExecutor(THREADS) as pool:
        read = pool.map(lambda sample: _read(dataset, sample, decode), dataset.samples)
        for row, (sample, answer) in enumerate(zip(dataset.samples, read, strict=True)):
            if isinstance(answer, str):
                problems.append(SampleError(sample.name, answer))
            else:
                areas[row] = answer
            if on_progress:
                on_progress(row + 1, len(dataset.samples))
    return areas, problems


def should_decode(dataset: Dataset) -> bool:
    """Tell whether decoding all images is a matter of a minute rather than of an hour."""
    first = dataset.samples[:8]
    try:
        sizes = [picture_size(sample.image, where=sample.where) for sample in first]
    except AsmaError:
        return True
    mean = float(np.mean([height * width for height, width in sizes]))
    return mean * len(dataset.samples) <= DECODED_PIXELS


def _read(dataset: Dataset, sample: Sample, decode: bool) -> NDArray[np.float64] | str:
    try:
        mask = dataset.mask(sample)
        if decode:
            _, height, width = dataset.image(sample).shape
        else:
            height, width = picture_size(sample.image, where=sample.where)
            width = width // 2 if sample.crop == LEFT_HALF else width
    except AsmaError as error:
        return str(error)
    if mask.labels.shape != (height, width):
        return (
            f"the mask {sample.mask.name} is {mask.labels.shape[1]} x {mask.labels.shape[0]} and "
            f"its image {width} x {height}; export both at one size"
        )
    return class_areas_of(mask, len(dataset.classes))


def class_areas_of(mask: Mask, classes: int) -> NDArray[np.float64]:
    """Return how much each of so many classes covers, float64 (K,), per cent of what is valid."""
    counts = np.bincount(mask.labels[mask.valid], minlength=classes)
    return np.asarray(100.0 * counts / max(counts.sum(), 1))


def class_areas_file(dataset: Dataset) -> Path:
    """Return where the class areas of a data set in its present state are kept."""
    return paths.home() / "cache" / "class-areas" / f"{dataset.fingerprint()[:32]}.npy"


def keep(file: Path, areas: ClassAreas) -> None:
    """Keep class areas on disk."""
    buffer = io.BytesIO()
    np.save(buffer, areas)
    write_bytes(file, buffer.getvalue())


def kept_class_areas(dataset: Dataset) -> ClassAreas | None:
    """Return what was measured of a data set in its present state, None where nothing was."""
    try:
        areas: ClassAreas = np.load(class_areas_file(dataset), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        # Not there yet, or damaged: measured from the masks again.
        return None
    return areas if areas.shape == (len(dataset.samples), len(dataset.classes)) else None
