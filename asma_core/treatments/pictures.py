"""Images as Pillow's pictures, and back."""

from __future__ import annotations

import numpy as np
from PIL import Image

from asma_core.data.formats.images import FloatImage, from_bytes, to_bytes


def picture_of(image: FloatImage) -> Image.Image:
    """Return an image, float32 (C, H, W) in [0, 1], as a picture of 8 bits, grey or RGB."""
    return Image.fromarray(to_bytes(image))


def image_of(picture: Image.Image) -> FloatImage:
    """Return a picture of 8 bits, grey or RGB, as float32 (C, H, W) in [0, 1]."""
    return from_bytes(np.asarray(picture))
