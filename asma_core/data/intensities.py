"""One window for all deep images of a data set, so that equal intensities look alike in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from asma_core.data.formats.deep_colours import is_deep_colour
from asma_core.data.formats.images import VOLUMES, read_greys
from asma_core.data.formats.opening import FORMATS, decoding
from asma_core.data.formats.series import is_folder
from asma_core.data.formats.tree import DICOM, suffix
from asma_core.data.formats.windows import Greys, Range, Window, automatic, thinned
from asma_core.data.samples import Sample
from asma_core.errors import AsmaError

# Images that are looked at to choose a window for all.
LOOKED_AT: Final = 8
# Volumes, each of which is unpacked for it.
VOLUMES_LOOKED_AT: Final = 3
# Of Pillow's formats those that hold more than 8 bits.
_DEEP: Final = (".png", ".tif", ".tiff", ".jp2", ".pgm", ".ppm")
_VALUES: Final = 50_000


@dataclass(frozen=True)
class Intensities:
    """What the deep images of a data set hold.

    Attributes:
        extent: Lowest and highest value of those that were looked at.
        window: One for all, by rule; None where each file has its own, or each volume its
            percentiles.
    """

    extent: Range
    window: Window | None


def intensities(samples: Sequence[Sample]) -> Intensities | None:
    """Look at some deep images of a data set; None where it has none.

    Source: percentiles of all that were looked at together; see `automatic`.
    """
    deep = [greys for sample in _some(samples) if (greys := _greys(sample)) is not None]
    if not deep:
        return None
    parts = [thinned(greys.some(), _VALUES) for greys in deep]
    filled = [part for part in parts if part.size]
    if not filled:
        return None
    extent = (float(min(map(np.min, filled))), float(max(map(np.max, filled))))
    if deep[0].own is not None or not _shares(samples[0]):
        return Intensities(extent, None)
    return Intensities(extent, automatic(filled, _nominal(deep), all(one.eight for one in deep)))


def settled_window(samples: Sequence[Sample]) -> Window | None:
    """Return the window that all images of a data set are seen through, by rule.

    None where they have 8 bits, or a window each: their own, or a volume its percentiles.
    """
    if not _shares(samples[0]):
        return None
    first = _greys(samples[0])
    if first is not None and first.own is not None:
        return None
    found = intensities(samples)
    return None if found is None else found.window


def _some(samples: Sequence[Sample]) -> list[Sample]:
    most = LOOKED_AT
    if not _shares(samples[0]):
        samples, most = list({one.image: one for one in samples}.values()), VOLUMES_LOOKED_AT
    places = np.linspace(0, len(samples) - 1, min(len(samples), most)).astype(int)
    return [samples[place] for place in sorted(set(places.tolist()))]


def _shares(sample: Sample) -> bool:
    """Tell whether an image is one of pictures that share a window, rather than of a volume."""
    return _ending(sample) in (*_DEEP, DICOM)


def _ending(sample: Sample) -> str:
    return DICOM if is_folder(sample.image) else suffix(sample.image.name)


def _greys(sample: Sample) -> Greys | None:
    """Return a deep image; what can't be read is told where the data set is checked."""
    ending = _ending(sample)
    try:
        if ending in VOLUMES or (ending in _DEEP and _is_deep(sample.image)):
            return read_greys(sample.image, where=sample.where)
    except AsmaError:
        return None
    return None


def _is_deep(path: Path) -> bool:
    """Tell from its header whether a picture has more than 8 bits."""
    with decoding(path.name), Image.open(path, formats=FORMATS) as picture:
        return picture.mode.startswith(("I", "F")) or is_deep_colour(picture)


def _nominal(deep: Sequence[Greys]) -> Range | None:
    """Return the range that holds the ranges of all, None where one has none."""
    ranges = [greys.nominal for greys in deep if greys.nominal is not None]
    if len(ranges) < len(deep):
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
