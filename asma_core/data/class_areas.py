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
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import Sample, image_size
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
    areas = np.full((len(dataset.samples), len(dataset.classes)), np.nan, dtype=np.float32)
    with ThreadPoolExecutor(THREADS) as pool:
        read = pool.map(lambda sample: _read(dataset, sample), dataset.samples)
        for row, answer in enumerate(read):
            if answer is not None:
                areas[row] = answer
            if on_progress:
                on_progress(row + 1, len(dataset.samples))
    keep(class_areas_file(dataset), areas)
    return areas


def should_decode(dataset: Dataset) -> bool:
    """Tell whether decoding all images is a matter of a minute rather than of an hour."""
    first = dataset.samples[:8]
    try:
        sizes = [picture_size(sample.image, where=sample.where) for sample in first]
    except AsmaError:
        return True
    mean = float(np.mean([height * width for height, width in sizes]))
    return mean * len(dataset.samples) <= DECODED_PIXELS


def _read(dataset: Dataset, sample: Sample) -> NDArray[np.float64] | None:
    try:
        mask = dataset.mask(sample)
        if size_problem(sample, mask, image_size(sample)):
            return None
    except AsmaError:
        return None
    return class_areas_of(mask, len(dataset.classes))


def size_problem(sample: Sample, mask: Mask, size: tuple[int, int]) -> str:
    """Return a sentence where a mask has another size than its image, (H, W); else ""."""
    if mask.labels.shape == size:
        return ""
    name = sample.mask.name if sample.mask else sample.name
    return (
        f"the mask {name} is {mask.labels.shape[1]} x {mask.labels.shape[0]} and "
        f"its image {size[1]} x {size[0]}; export both at one size"
    )


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
