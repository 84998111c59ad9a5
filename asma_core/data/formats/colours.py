"""Pictures of Pillow's 8-bit modes: colours, greys, transparency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.opening import decoding

ByteImage = NDArray[np.uint8]
FloatImage = NDArray[np.float32]


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


def from_bytes(pixels: ByteImage) -> FloatImage:
    """Turn uint8 (H, W) or (H, W, 3) into float32 (C, H, W) in [0, 1]."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32) / np.float32(255.0)
