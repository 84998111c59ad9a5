"""Pictures of Pillow's 8-bit modes: colours, greys, transparency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.opening import decoding

ByteImage = NDArray[np.uint8]


def converted(picture: Image.Image, mode: str, label: str) -> ByteImage:
    """Return the pixels of a picture in one of Pillow's 8-bit modes, such as "RGB".

    Raises:
        InputError: Pillow can't convert it (the colours of a LAB picture).
    """
    with decoding(label):
        return np.asarray(picture.convert(mode))


def to_8_bit(picture: Image.Image, label: str) -> ByteImage:
    """Return a picture's pixels, (H, W) of grey, else (H, W, 3); transparency over black."""
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in picture.info:
        pixels = _over_black(converted(picture, "RGBA", label))
        return pixels[..., 0] if grey else pixels
    return converted(picture, "L" if grey else "RGB", label)


def _over_black(pixels: ByteImage) -> ByteImage:
    opacity = pixels[..., 3:].astype(np.float32) / np.float32(255.0)
    return np.rint(pixels[..., :3] * opacity).astype(np.uint8)


def only_opacity_shows(colours: ByteImage, opacity: ByteImage) -> bool:
    """Tell whether what is seen has one colour, which is what lies hidden around it too."""
    hidden = opacity == 0
    if hidden.all() or not hidden.any():
        return False
    seen_colours = colours[~hidden]
    one = bool((seen_colours == seen_colours[0]).all())
    return one and bool((colours[hidden] == seen_colours[0]).all(axis=-1).any())
