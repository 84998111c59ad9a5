"""Label masks over the picture that they belong to."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import FloatImage, encode_png, to_rgb
from asma_core.data.masks.palette import CLASS_COLOURS

# Width of the stripes where nothing is said, in pixels; on no picture do black and white hide.
_STRIPE: Final = 3


def overlay(
    image: FloatImage, labels: NDArray[np.int64], silent: NDArray[np.bool_] | None = None
) -> bytes:
    """Return a PNG of a picture with each class's colour laid over it by a third.

    Args:
        image: float32 (C, H, W) in [0, 1].
        labels: int64 (H, W); nothing is laid over class 0.
        silent: bool (H, W), pixels of which nothing is said: striped black and white; none unless
            given.
    """
    pixels = to_rgb(image).astype(np.float32)
    palette = np.array(CLASS_COLOURS, dtype=np.float32)
    colours = palette[np.where(labels > 0, 1 + (labels - 1) % (len(palette) - 1), 0)]
    mixed = np.where((labels > 0)[..., None], 0.67 * pixels + 0.33 * colours, pixels)
    if silent is not None:
        rows, columns = np.indices(labels.shape)
        light = np.where((rows + columns) // _STRIPE % 2 == 1, 255.0, 0.0)
        mixed = np.where(silent[..., None], light[..., None], mixed)
    return encode_png(np.rint(mixed).astype(np.uint8))
